using System.Diagnostics;
using System.Text.Json;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Who may go on: each sentence of it, with real processes.</summary>
public sealed class GoingOnTests : IAsyncLifetime
{
    private const int Steps = DrawnDigits.Steps, Shards = DrawnDigits.Shards, Samples = DrawnDigits.Samples;

    private readonly LocalCluster cluster = new();
    private string job = "", digest = "";

    public async Task InitializeAsync()
    {
        job = cluster.Job(DrawnDigits.Job());
        digest = await DrawnDigits.DigestAsync(job);
    }

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [SkippableFact]
    public async Task All_but_one_are_killed_and_the_last_finishes_alone()
    {
        Skip.If(OperatingSystem.IsWindows(), "nodes are stopped and killed with signals");
        // Whoever coordinates and conducts goes first, and its successor after it.
        var nodes = await cluster.StartManyAsync(4);
        var submit = cluster.Submit(job, "--metrics", cluster["metrics.jsonl"]);
        for (int i = 0; i < 3; i++)
        {
            await cluster.StepsAsync(submit, cluster.Steps(Shards) + 20, Shards);
            await nodes[i].KillAsync();
        }

        await EndsAsync(submit);
        Assert.True(Ledger.Generations(cluster["ledger.jsonl"]).Length >= 4);
        // What the others had done of a step when somebody died in it was not done again.
        var interrupted = File.ReadLines(cluster["metrics.jsonl"]).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("shards_reused", out _)).ToArray();
        Assert.NotEmpty(interrupted);
        Assert.All(interrupted, l => Assert.InRange(l.GetProperty("shards_reused").GetInt32(), 1, Shards - 1));
    }

    [SkippableFact]
    public async Task All_who_train_it_are_killed_and_a_node_without_a_part_in_it_begins_anew()
    {
        Skip.If(OperatingSystem.IsWindows(), "nodes are killed with signals");
        var nodes = await cluster.StartManyAsync(2);
        var submit = cluster.Submit(job, "--set", "job.max-devices=1");
        await cluster.StepsAsync(submit, 20, Shards);
        string worker = Assert.Single(LocalCluster.Workers(await cluster.UntilAsync(status => LocalCluster.Workers(status).Length == 1)));
        await nodes.Single(n => worker.StartsWith(n.Address, StringComparison.Ordinal)).KillAsync();
        await EndsAsync(submit);
    }

    [SkippableFact]
    public async Task Its_conductor_is_killed_as_it_ends()
    {
        Skip.If(OperatingSystem.IsWindows(), "nodes are killed with signals");
        var nodes = await cluster.StartManyAsync(2);
        var submit = cluster.Submit(job);
        var ends = nodes.Select(n => n.Log.SaysAsync(" ends: done")).ToArray();
        var conductor = Array.IndexOf(ends, await Task.WhenAny(ends));
        await nodes[conductor].KillAsync();
        await EndsAsync(submit);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rank_0_of_two_is_stopped_and_the_other_waits_until_it_continues_or_dies(bool dies)
    {
        Skip.If(OperatingSystem.IsWindows(), "nodes are stopped and killed with signals");
        var nodes = await cluster.StartManyAsync(2);
        var submit = cluster.Submit(job);
        await cluster.StepsAsync(submit, 20, Shards);
        // Asking for the status takes longer than the job on a busy machine; the log has it as well.
        bool isFirst = (await nodes[0].Log.SaysAsync(" begins at step 0 with rank 0 (")).Contains($"rank 0 ({nodes[0].Address}/", StringComparison.Ordinal);
        var (stopped, other) = isFirst ? (nodes[0], nodes[1]) : (nodes[1], nodes[0]);
        await stopped.HaltAsync();
        string waits = await other.Log.SaysAsync(" waits: ");
        Assert.Contains(stopped.Address, waits);
        int steps = cluster.Steps(Shards);
        var waiting = LocalCluster.Job(await cluster.UntilAsync(status => LocalCluster.Job(status).GetProperty("note").ValueKind == JsonValueKind.String));
        Assert.Contains(stopped.Address, waiting.GetProperty("note").GetString());
        Assert.Equal(steps, cluster.Steps(Shards));
        if (dies)
            await stopped.KillAsync();
        else
            await stopped.ContinueAsync();
        await EndsAsync(submit);
        if (dies)
            await cluster.UntilAsync(status => status.GetProperty("members").GetArrayLength() == 1);
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task One_of_three_is_stopped_and_comes_back_as_a_newcomer(int rank)
    {
        LongForm.Only();
        Skip.If(OperatingSystem.IsWindows(), "nodes are stopped and killed with signals");
        var nodes = await cluster.StartManyAsync(3);
        var submit = cluster.Submit(job, "--set", $"job.max-steps={100 * Steps}");
        await cluster.StepsAsync(submit, 10, Shards);
        string worker = LocalCluster.Workers(await cluster.UntilAsync(status => LocalCluster.Workers(status).Length == 3))[rank];
        var stopped = nodes.Single(n => worker.StartsWith(n.Address, StringComparison.Ordinal));
        await stopped.HaltAsync();
        // The others are a majority.
        await cluster.UntilAsync(status => LocalCluster.Workers(status) is { Length: 2 } left && !left.Contains(worker));
        await stopped.ContinueAsync();
        await cluster.UntilAsync(status => LocalCluster.Workers(status).Contains(worker));
        await cluster.CancelAsync(submit, [], cluster.Contacts);
        Ledger.IsWhole(cluster["ledger.jsonl"], cluster.Steps(Shards), Shards, Samples);
    }

    private async Task EndsAsync(Process submit)
    {
        var run = await Singa.FinishAsync(submit);
        Assert.True(run.Code == 0, string.Join('\n', run.Errors));
        Assert.Equal(digest, run.Output[^1]);
        Ledger.IsWhole(cluster["ledger.jsonl"], Steps, Shards, Samples);
    }
}
