using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Singa.Actors.Cli.Tests;

/// <summary>Nodes and commands as people start them: processes on this machine's loopback.</summary>
public sealed class ClusterTests : IDisposable
{
    private static readonly (string, string) WithSecret = ("SINGA_CLUSTER_SECRET", NodeProcess.Secret);

    private readonly string folder = Directory.CreateTempSubdirectory("singa-cluster-").FullName;
    private readonly TemporaryJob job = new();

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        job.Dispose();
    }

    [Fact]
    public async Task Nodes_join_train_one_job_and_leave()
    {
        await using var seed = await StartAsync("seed");
        await using var worker = await StartAsync("worker", "--seed-node", seed.Address);
        var both = await UntilAsync(seed, status => Members(status, "up") == 2 && Devices(status) == 2);
        Assert.Equal(1, both.GetProperty("members").EnumerateArray().Count(m => m.GetProperty("coordinator").GetBoolean()));
        Assert.Equal(0, both.GetProperty("refused").GetInt64());

        string saved = job["model.safetensors"], ledger = job["ledger.jsonl"];
        var trained = await Singa.RunAsync(WithSecret, "submit", job.File, "--cluster", worker.Address, "--save", saved, "--ledger", ledger);
        Assert.True(trained.Code == 0, string.Join('\n', trained.Errors));
        var alone = await Singa.RunAsync("train", job.File, "--devices", "cpu:0", "--threads", "1");
        Assert.Equal(alone.Output[^1], trained.Output[^1]);
        Assert.StartsWith("digest sha256:", trained.Output[^1]);
        Assert.Equal(alone.Output[^4], trained.Output[^4]);
        Assert.True(File.Exists(saved));
        Assert.Equal(8 * 4, File.ReadLines(ledger).Count());

        Assert.Equal(0, (await worker.StopAsync()).Code);
        await UntilAsync(seed, status => status.GetProperty("members").GetArrayLength() == 1);
        Assert.Equal(0, (await seed.StopAsync(Signals.End)).Code);
    }

    [Fact]
    public async Task A_seed_that_is_killed_and_started_again_finds_the_cluster_through_whom_it_remembers()
    {
        await using var seed = await StartAsync("seed", "--port", FreePort());
        await using var worker = await StartAsync("worker", "--seed-node", seed.Address);
        string cluster = (await UntilAsync(seed, status => Members(status, "up") == 2)).GetProperty("cluster").GetString()!;
        seed.Process.Kill();
        // The worker is told nothing but what its data plane sees, and takes over what lived there.
        await UntilAsync(worker, status => status.GetProperty("members").GetArrayLength() == 1 && status.GetProperty("members")[0].GetProperty("coordinator").GetBoolean());
        await using var again = await StartAsync("seed", "--port", seed.Port.ToString());
        Assert.Equal(cluster, (await UntilAsync(again, status => Members(status, "up") == 2)).GetProperty("cluster").GetString());
    }

    [Fact]
    public async Task Members_that_are_all_killed_begin_their_cluster_again_without_the_one_that_began_it()
    {
        await using var first = await StartAsync("first", "--port", FreePort());
        await using var second = await StartAsync("second", "--port", FreePort(), "--seed-node", first.Address);
        await using var third = await StartAsync("third", "--port", FreePort(), "--seed-node", first.Address);
        string cluster = (await UntilAsync(first, status => Members(status, "up") == 3)).GetProperty("cluster").GetString()!;
        await Task.WhenAll(first.KillAsync(), second.KillAsync(), third.KillAsync());

        var again = await Task.WhenAll(
            StartAsync("second", "--port", second.Port.ToString(), "--seed-node", first.Address), StartAsync("third", "--port", third.Port.ToString(), "--seed-node", first.Address));
        await using var one = again[0];
        await using var other = again[1];
        string followed = (await UntilAsync(one, status => Members(status, "up") == 2)).GetProperty("cluster").GetString()!;
        Assert.NotEqual(cluster, followed);
        // Who comes late knows it by what it remembers, and does not begin another.
        await using var late = await StartAsync("first", "--port", first.Port.ToString());
        Assert.Equal(followed, (await UntilAsync(late, status => Members(status, "up") == 3)).GetProperty("cluster").GetString());
    }

    [Fact]
    public async Task Whoever_has_another_secret_or_none_gets_nowhere_and_is_counted()
    {
        await using var node = await StartAsync("seed");
        foreach (var secret in new[] { "another secret", "" })
        {
            string config = Path.Combine(folder, "stranger.conf");
            File.WriteAllText(config, "singa.cluster.contact-timeout = 1s");
            var refused = await Singa.RunAsync(("SINGA_CLUSTER_SECRET", secret), "status", "--cluster", node.Address, "--config", config);
            Assert.Equal(3, refused.Code);
            Assert.Empty(refused.Output);
            Assert.Contains(refused.Errors, e => e.StartsWith("singa: no node of the cluster has answered for 1 s", StringComparison.Ordinal) && e.Contains("SINGA_CLUSTER_SECRET"));
        }

        using (var garbage = new TcpClient())
        {
            await garbage.ConnectAsync(IPAddress.Loopback, node.Port);
            await garbage.GetStream().WriteAsync(new byte[4096]);
            Assert.Equal(0, await garbage.GetStream().ReadAsync(new byte[16]));
        }

        var status = await UntilAsync(node, status => status.GetProperty("refused").GetInt64() >= 3);
        Assert.Equal(1, status.GetProperty("members").GetArrayLength());
    }

    [Theory]
    [InlineData(2, "--cluster HOST:PORT is missing", "status")]
    [InlineData(2, "--cluster takes HOST:PORT, as in 10.0.0.5:4710, not 'here'", "status --cluster here")]
    [InlineData(2, "JOB.conf is missing", "submit --cluster 127.0.0.1:1")]
    [InlineData(2, "singa node takes options only, not job.conf", "node job.conf")]
    [InlineData(2, "--seed-node takes HOST:PORT", "node --seed-node nowhere")]
    [InlineData(1, "without a secret a node stays on loopback", "node --host 192.0.2.1")]
    [InlineData(1, "there is no configuration file nothing.conf", "node --config nothing.conf")]
    [InlineData(1, "which is no folder", "node --data-root /nowhere/at/all")]
    [InlineData(1, "without secret nodes stay on loopback", "status --cluster 192.0.2.1:4710")]
    public async Task What_is_wrong_is_said_in_one_line(int code, string sentence, string line)
    {
        var run = await Singa.RunAsync(("SINGA_CLUSTER_SECRET", ""), line.Split(' '));
        Assert.Equal(code, run.Code);
        Assert.Contains(sentence.Replace("without secret", "without a secret"), run.Errors[0]);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var run = await Singa.RunAsync("node", "--port", port.ToString());
        Assert.Equal(1, run.Code);
        Assert.StartsWith($"singa: 127.0.0.1:{port} cannot be listened at", run.Errors[^1]);
    }

    private static int Members(JsonElement status, string state) => status.GetProperty("members").EnumerateArray().Count(m => m.GetProperty("state").GetString() == state);

    private static int Devices(JsonElement status) => status.GetProperty("members").EnumerateArray().Sum(m => m.GetProperty("devices").GetArrayLength());

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString();
    }

    /// <summary>Asks until it is so; each question is a process and takes its time.</summary>
    private static async Task<JsonElement> UntilAsync(NodeProcess node, Func<JsonElement, bool> holds)
    {
        Finished run = null!;
        for (int attempt = 0; attempt < 40; attempt++)
        {
            run = await Singa.RunAsync(WithSecret, "status", "--cluster", node.Address, "--json");
            if (run.Code == 0 && JsonDocument.Parse(run.Output[0]).RootElement is var status && holds(status))
                return status;
        }

        throw new TimeoutException($"it never came so far: {string.Join('\n', run.Output.Concat(run.Errors))}");
    }

    private Task<NodeProcess> StartAsync(string name, params string[] arguments) =>
        NodeProcess.StartAsync(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, arguments);
}
