using System.Net;
using System.Net.Sockets;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>What the submitting side and strangers live through while a job runs.</summary>
public sealed class SubmitTests : IAsyncLifetime
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

    [Fact]
    public async Task Its_contact_is_killed_and_it_goes_on_through_others()
    {
        var nodes = await cluster.StartManyAsync(3);
        var submit = cluster.Submit([], job, nodes[1].Address);
        await cluster.StepsAsync(submit, 20, Shards);
        await nodes[1].KillAsync();
        Same(await Singa.FinishAsync(submit));
    }

    [Fact]
    public async Task All_nodes_die_and_the_job_goes_on_from_its_checkpoint_when_submitted_again()
    {
        string config = cluster["impatient.conf"];
        File.WriteAllText(config, "singa.cluster.contact-timeout = 2s");
        string[] more = ["--set", $"job.checkpoint={{ path = \"{cluster["saved"]}\", every = 10 }}", "--config", config];
        var nodes = await cluster.StartManyAsync(2);
        var submit = cluster.Submit(job, more);
        await cluster.StepsAsync(submit, 50, Shards);
        await Task.WhenAll(nodes.Select(n => n.KillAsync()));
        var lost = await Singa.FinishAsync(submit);
        Assert.Equal(3, lost.Code);
        Assert.Contains(lost.Errors, line => line.StartsWith("singa: ", StringComparison.Ordinal) && line.Contains("has answered for 2 s", StringComparison.Ordinal));

        await cluster.StartManyAsync(2);
        var again = await Singa.FinishAsync(cluster.Submit(job, more));
        Assert.Contains(again.Output, line => line.StartsWith("goes on after ", StringComparison.Ordinal));
        Same(again);
    }

    [Fact]
    public async Task Strangers_get_nowhere_and_are_counted()
    {
        // A busy machine is no stranger: neither a slow node nor one that stands still for seconds may make another generation here.
        cluster.Settings = """
            singa { cluster.stable-after = 1m, runtime.rebalance-after = 1h }
            singa.collective { step-deadline-least = 1m, first-step-deadline-least = 1m }
            """;
        var nodes = await cluster.StartManyAsync(2);
        var submit = cluster.Submit(job, "--set", $"job.max-steps={100 * Steps}");
        await cluster.StepsAsync(submit, 20, Shards);
        foreach (int port in new[] { nodes[0].Port, nodes[0].DataPort })
        {
            // No handshake at all, and the longest frame that four or a TLS record's bytes can claim.
            await SendAsync(port, Enumerable.Repeat((byte)'A', 4096).ToArray());
            await SendAsync(port, [0x7f, 0xff, 0xff, 0xff, .. new byte[1 << 16]]);
            await SendAsync(port, [0x16, 0x03, 0x03, 0xff, 0xff, .. new byte[1 << 16]]);
        }

        await cluster.UntilAsync(status => Refused(status) >= 6);
        Assert.Contains(nodes[0].Log.Since(0), line => line.Contains("a handshake with 127.0.0.1:", StringComparison.Ordinal));
        foreach (var secret in new[] { "another secret", "" })
        {
            long before = Refused(await cluster.UntilAsync(_ => true));
            using var stranger = Singa.Start([], [("SINGA_CLUSTER_SECRET", secret)], "node", "--devices", "cpu:0", "--threads", "1", "--seed-node", nodes[0].Address, "--seed-node", nodes[1].Address);
            try
            {
                var status = await cluster.UntilAsync(status => Refused(status) > before);
                Assert.Equal(2, LocalCluster.Members(status));
            }
            finally
            {
                stranger.Kill();
                await stranger.WaitForExitAsync();
            }
        }

        int steps = cluster.Steps(Shards);
        await cluster.StepsAsync(submit, steps + 20, Shards);
        long generation = LocalCluster.Job(await cluster.UntilAsync(_ => true)).GetProperty("generation").GetInt64();
        Assert.True(generation == 1, $"generation {generation}\n{cluster.Story()}");
        await cluster.CancelAsync(submit, [], cluster.Contacts);
        Assert.InRange(cluster.Steps(Shards), steps + 20, int.MaxValue);
        Ledger.IsWhole(cluster["ledger.jsonl"], cluster.Steps(Shards), Shards, Samples);
    }

    private static long Refused(System.Text.Json.JsonElement status) => status.GetProperty("refused").GetInt64();

    /// <summary>It is hung up on.</summary>
    private static async Task SendAsync(int port, byte[] bytes)
    {
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, port);
        try
        {
            await stranger.GetStream().WriteAsync(bytes);
            while (await stranger.GetStream().ReadAsync(new byte[256]) > 0)
            {
                // A TLS alert, at most.
            }
        }
        catch (IOException)
        {
            // Reset, with bytes unread.
        }
    }

    private void Same(Finished run)
    {
        Assert.True(run.Code == 0, string.Join('\n', run.Errors));
        Assert.Equal(digest, run.Output[^1]);
        Ledger.IsWhole(cluster["ledger.jsonl"], Steps, Shards, Samples);
    }
}
