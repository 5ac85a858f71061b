using System.Text.Json;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>A network that is cut: exactly one side goes on, and the other comes back when it has healed.</summary>
public sealed class NetworkCutTests : IAsyncLifetime
{
    private const int Shards = DrawnDigits.Shards, Samples = DrawnDigits.Samples;

    private readonly LocalCluster cluster = new();
    private Namespaces? networks;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await cluster.DisposeAsync();
        if (networks is not null)
            await networks.DisposeAsync();
    }

    /// <summary>Two of three are a majority; of two the one with the lower rank goes on, and addresses decide who that is.</summary>
    [SkippableTheory]
    [InlineData(2, new[] { 1, 3, 10 })]
    [InlineData(1, new[] { 3 })]
    public async Task One_side_goes_on_and_the_other_comes_back(int here, int[] cuts)
    {
        LongForm.Only();
        networks = await Namespaces.CreateAsync();
        for (int i = 0; i < here; i++)
            await cluster.StartAsync($"left-{i}", networks.Left, "--host", Namespaces.LeftHost);
        string contacts = cluster.Contacts;
        var there = await cluster.StartAsync("right", networks.Right, "--host", Namespaces.RightHost);
        await UntilAsync(status => LocalCluster.Devices(status) == here + 1);
        var submit = cluster.Submit(networks.Left, cluster.Job(DrawnDigits.Job(1_000_000)), contacts);
        await cluster.StepsAsync(submit, 20, Shards);
        foreach (int seconds in cuts)
        {
            long before = Generation(await UntilAsync(status => LocalCluster.Workers(status).Length == here + 1));
            int steps = cluster.Steps(Shards), said = there.Log.Count;
            await networks.CutAsync(seconds);
            if (seconds == 1)
            {
                await cluster.StepsAsync(submit, cluster.Steps(Shards) + 50, Shards);
                Assert.Equal(before, Generation(await UntilAsync(status => LocalCluster.Workers(status).Length == here + 1)));
                continue;
            }

            Assert.InRange(cluster.Steps(Shards), steps + 1, int.MaxValue);
            // It comes back as a newcomer, in a generation after the one that went on without it.
            Assert.InRange(Generation(await UntilAsync(status => LocalCluster.Workers(status).Length == here + 1 && Generation(status) > before)), before + 2, long.MaxValue);
            Assert.DoesNotContain(there.Log.Since(said), line => line.Contains($" begins generation {before + 1} ", StringComparison.Ordinal) && line.Contains(" shards on ", StringComparison.Ordinal));
        }

        await cluster.CancelAsync(submit, networks.Left, contacts);
        Ledger.IsWhole(cluster["ledger.jsonl"], cluster.Steps(Shards), Shards, Samples);

        Task<JsonElement> UntilAsync(Func<JsonElement, bool> holds) => cluster.UntilAsync(networks.Left, contacts, holds);
    }

    private static long Generation(JsonElement status) => LocalCluster.Job(status).GetProperty("generation").GetInt64();
}
