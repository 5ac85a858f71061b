using System.Diagnostics;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Whatever happens to nodes, whenever: the job completes as if nothing had been. <c>SINGA_SEED=n</c> lets other things happen.</summary>
public sealed class ChaosTests : IAsyncLifetime
{
    private const int Shards = DrawnDigits.Shards, Samples = DrawnDigits.Samples;
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";

    private static readonly int Events = IsLong ? 50 : 8;

    // How many steps pass meanwhile depends on the machine: the job is stopped when everything has happened, and only its last steps are counted out.
    private const int Endless = 1_000_000, LastSteps = 50;

    // Whoever waits for a minute for a node that is halted is right to say that nobody answers.
    private static readonly TimeSpan LongestHalt = TimeSpan.FromSeconds(6);

    private readonly LocalCluster cluster = new();
    private readonly Random random = new(int.TryParse(Environment.GetEnvironmentVariable("SINGA_SEED"), out int seed) ? seed : 11);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [SkippableFact]
    public async Task Nodes_are_killed_stopped_and_started_again_at_random()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "nodes are stopped with signals, and what they hold is read from /proc");
        // Nothing is saved before the end: whatever is lost has to come from those that live.
        string[] saved = ["--set", $"job.checkpoint = {{ path = \"{cluster["saved"]}\", every = {Endless} }}"];
        await cluster.StartManyAsync(3);
        var submit = cluster.Submit(cluster.Job(DrawnDigits.Job(Endless)), saved);
        var restarts = new List<Task>();
        int events = 0;
        while (events < Events && !submit.HasExited)
        {
            await GoOnAsync(submit);
            NodeProcess[] nodes = [.. cluster.Living];
            if (nodes.Length == 1)
            {
                await Task.WhenAll(restarts);
                continue;
            }

            events++;
            var node = nodes[random.Next(nodes.Length)];
            if (random.Next(2) == 0)
            {
                // Its successor starts while the job goes on, and the next may be hit before it is there.
                await node.KillAsync();
                restarts.Add(cluster.RestartAsync(node));
            }
            else
            {
                await node.HaltAsync();
                // Where the others may not go on without it there is nothing to see, at most that they say so; some may not have been up yet.
                await Task.WhenAny([GoOnAsync(submit), Task.Delay(LongestHalt), .. nodes.Where(n => n != node).Select(n => n.Log.SaysAsync(" waits: ", n.Log.Count))]);
                await node.ContinueAsync();
            }
        }

        await Task.WhenAll(restarts);
        Assert.Equal(Events, events);
        await GoOnAsync(submit);
        await Signals.SendAsync(submit, Signals.End);
        var stopped = await cluster.FinishAsync(submit);
        Assert.True(stopped.Code == 130, $"{string.Join('\n', stopped.Errors)}\n{cluster.Story()}");

        int steps = cluster.Steps(Shards) + LastSteps;
        string job = cluster.Job(DrawnDigits.Job(steps));
        var run = await cluster.FinishAsync(cluster.Submit(job, saved));
        Assert.True(run.Code == 0, $"{string.Join('\n', run.Errors)}\n{cluster.Story()}");
        Assert.Equal(await DrawnDigits.DigestAsync(job), run.Output[^1]);
        Ledger.IsWhole(cluster["ledger.jsonl"], steps, Shards, Samples);
        await NothingIsLeftAsync();
    }

    /// <summary>Some steps more than there are.</summary>
    private Task GoOnAsync(Process submit) => cluster.StepsAsync(submit, cluster.Steps(Shards) + random.Next(5, 25), Shards);

    /// <summary>Everybody is back, no connection to anybody dead is kept, and when all have left there is nothing but what they remember.</summary>
    private async Task NothingIsLeftAsync()
    {
        await cluster.UntilAsync(status => LocalCluster.Members(status) == 3 && status.GetProperty("jobs").GetArrayLength() == 0);
        NodeProcess[] nodes = [.. cluster.Living];
        Assert.Equal(3, nodes.Length);
        // Each question takes its time; what the kernel has closed is let go of meanwhile.
        await cluster.UntilAsync(_ => HalfClosed().Length == 0, () => string.Join('\n', HalfClosed()));
        Assert.All(nodes, n => Assert.InRange(Sockets.Count(n.Process.Id), 1, 32));
        Assert.All(nodes, n => Assert.Empty(Sockets.Children(n.Process.Id)));
        foreach (var node in nodes)
        {
            Assert.Equal(0, (await node.StopAsync()).Code);
            Assert.All(Directory.EnumerateFileSystemEntries(node.State), f => Assert.Matches(@"(node\.conf|members\.json)$", f));
        }

        string[] HalfClosed() => [.. nodes.SelectMany(n => Sockets.HalfClosed(n.Process.Id).Select(s => $"{n.Address}, data port {n.DataPort}: {s}"))];
    }
}
