using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Bench.Nodes;

/// <summary>Nodes of this machine, each with a port of its own that it keeps when it is started again.</summary>
internal sealed partial class LocalCluster : IDisposable
{
    private readonly Options options;
    private readonly string folder;
    private readonly int threads;
    private readonly string? flood;
    private readonly SortedDictionary<string, NodeChild> nodes = new(StringComparer.Ordinal);
    private readonly List<NodeChild> gone = [];
    private int started;

    private LocalCluster(Options options, string name, int threads, string? flood) =>
        (this.options, folder, this.threads, this.flood) = (options, Path.Combine(options.Logs, name), threads, flood);

    public ClusterClient Client { get; private set; } = null!;

    public IReadOnlyCollection<NodeChild> Nodes => nodes.Values;

    /// <summary>Those that lived and died as well.</summary>
    public IEnumerable<NodeChild> Ever => gone.Concat(nodes.Values);

    public static LocalCluster Start(Options options, string name, int count, int threads = 1, string? flood = null)
    {
        var cluster = new LocalCluster(options, name, threads, flood);
        try
        {
            for (int i = 0; i < count; i++)
                cluster.Add(FreePort());
            cluster.Client = ClusterClient.Create(
                new SingaBuilder().WithHocon($"singa {{ cluster.secret = \"\", data.root = \"{options.Logs}\" }}"), [.. cluster.nodes.Keys.Select(a => NodeAddress.TryParse(a, out var address) ? address.Value : default)],
                NullLoggerFactory.Instance);
            for (double since = Clock.Now; cluster.Status().Members.Count(m => m.State == "up" && m.Devices.Length > 0) < count; Thread.Sleep(100))
            {
                if (Clock.Now - since > 30)
                    throw new BenchException($"{count} nodes did not become a cluster within 30 s");
            }

            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    public ClusterStatus Status() => Client.StatusAsync(CancellationToken.None).GetAwaiter().GetResult();

    /// <param name="port">0: any.</param>
    public NodeChild Add(int port)
    {
        var node = NodeChild.Start(options.Singa, options.Logs, Path.Combine(folder, port == 0 ? $"newcomer-{++started}" : $"node-{port}"), port, [.. nodes.Keys], threads, flood);
        nodes[node.Address] = node;
        return node;
    }

    public NodeChild Node(string address) => nodes[address];

    /// <summary>Ends a process and forgets it.</summary>
    public void Kill(NodeChild node)
    {
        node.Kill();
        Forget(node);
    }

    public void Forget(NodeChild node)
    {
        nodes.Remove(node.Address);
        gone.Add(node);
    }

    public NodeChild Restart(NodeChild node) => Add(int.Parse(node.Address.Split(':')[1]));

    public string Coordinator => Status().Members.FirstOrDefault(m => m.Coordinator)?.Node ?? throw new BenchException("nobody is coordinator");

    /// <summary>Who began the present generation; it says so in its log.</summary>
    public string Conductor => nodes.Values
        .Select(n => (n.Address, n.Since(0).LastOrDefault(l => Begins().IsMatch(l.Text)).At))
        .OrderByDescending(n => n.At).First().Address;

    /// <summary>Steps at which generations began, after <paramref name="since"/>, as conductors say.</summary>
    public IReadOnlyList<(double At, long Step)> Generations(double since) =>
        [.. Ever.SelectMany(n => n.Since(since)).Select(l => (l.At, Match: Begins().Match(l.Text))).Where(l => l.Match.Success)
            .Select(l => (l.At, long.Parse(l.Match.Groups[1].Value))).Order()];

    public void Dispose()
    {
        Client?.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(20));
        foreach (var node in Ever)
            node.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex(@"job \S+ begins .+ at step (\d+): \d+ shards on")]
    private static partial Regex Begins();
}
