using System.Collections.Immutable;
using System.Net;
using Akka.Configuration;
using Singa.Actors.Collective;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Cluster;

/// <summary><c>singa.cluster</c>; <c>hocon/reference.conf</c> explains each key.</summary>
/// <param name="Enabled">This process is a member, or wants to be one.</param>
/// <param name="Host">What it binds and is called by.</param>
/// <param name="Port">0: any.</param>
/// <param name="DataPort">Of the data plane; 0: any.</param>
/// <param name="Trust">Null: no secret and no certificates, so loopback only.</param>
/// <param name="DataRoot">The folder that the data of jobs lies in.</param>
/// <param name="StateFolder">Where members are remembered; null: nowhere.</param>
public sealed record ClusterSettings(
    bool Enabled, string Host, int Port, int DataPort, ImmutableArray<NodeAddress> Seeds, PeerCredentials? Trust, string? StateFolder, ClusterTimes Times, int MaxFrame,
    string DataRoot)
{
    /// <summary>Wins over <c>singa.cluster.secret</c>: a secret in a file is one that is copied.</summary>
    public const string SecretVariable = "SINGA_CLUSTER_SECRET";

    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <param name="environment">Looks up a variable; null for the process's own.</param>
    /// <exception cref="ConfigurationException">A value is out of range, or the node would be open to strangers.</exception>
    public static ClusterSettings From(Config? config, Func<string, string?>? environment = null)
    {
        var cluster = SingaConfig.WithReference(config).GetConfig("singa.cluster");
        string host = NodeAddress.Canonical(cluster.GetString("host").Trim());
        if (host.Length == 0 || Uri.CheckHostName(host) == UriHostNameType.Unknown)
            throw new ConfigurationException($"singa.cluster.host is '{host}', which is no address and no name of a host");
        if (IPAddress.TryParse(host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            throw new ConfigurationException($"singa.cluster.host is {host}, by which nobody can reach this node; name the address that the others shall use");
        var trust = ClusterTrust.From(cluster, (environment ?? Environment.GetEnvironmentVariable)(SecretVariable));
        if (trust is null && !NodeAddress.IsLoopbackHost(host))
        {
            throw new ConfigurationException(
                $"singa.cluster.host is {host}, but without a secret a node stays on loopback; set {SecretVariable} to the same secret on every node, or singa.cluster.secret, or singa.cluster.tls");
        }

        return new ClusterSettings(
            cluster.GetBoolean("enabled"), host, Port("port"), Port("data-port"),
            Addresses(cluster.GetStringList("seed-nodes"), "singa.cluster.seed-nodes"), trust, Folder(cluster.GetString("state-dir"), Port("port")),
            ClusterTimes.From(cluster), (int)Frame(), Root());

        int Port(string key)
        {
            int port = cluster.GetInt(key);
            return port is >= 0 and <= IPEndPoint.MaxPort
                ? port
                : throw new ConfigurationException($"singa.cluster.{key} is {port}; it must be a port up to {IPEndPoint.MaxPort}, or 0 for any");
        }

        // Where jobs from elsewhere may read.
        string Root()
        {
            string root = Path.GetFullPath(SingaConfig.WithReference(config).GetString("singa.data.root") is { Length: > 0 } written ? written : ".");
            return Directory.Exists(root) ? root : throw new ConfigurationException($"singa.data.root is {root}, which is no folder");
        }

        long Frame() => cluster.GetByteSize("max-frame") is { } bytes and >= 32 * 1024 and <= 64 * 1024 * 1024
            ? bytes
            : throw new ConfigurationException($"singa.cluster.max-frame is {cluster.GetString("max-frame")}; it must be from 32 KiB to 64 MiB");
    }

    /// <exception cref="ConfigurationException">One of them is no <c>HOST:PORT</c>.</exception>
    public static ImmutableArray<NodeAddress> Addresses(IEnumerable<string> texts, string where) =>
    [
        .. texts.Select(text => NodeAddress.TryParse(text.Trim(), out var address)
            ? address.Value
            : throw new ConfigurationException($"'{text}' in {where} is no HOST:PORT, as in 10.0.0.5:4710")).Distinct(),
    ];

    /// <summary>A node with any port is another one at each start: it has nothing to remember, unless somebody says where.</summary>
    private static string? Folder(string written, int port) => written switch
    {
        "" when port == 0 => null,
        "" => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "singa", "cluster"),
        "off" => null,
        _ => Path.GetFullPath(written),
    };
}
