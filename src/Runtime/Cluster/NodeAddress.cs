using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>Where a node's actors are reached, as in <c>127.0.0.1:4710</c>; also what the node is called.</summary>
public readonly record struct NodeAddress(string Host, int Port) : IComparable<NodeAddress>
{
    private const string Loopback = "127.0.0.1";

    /// <summary>Nobody else can reach it.</summary>
    public bool IsLoopback => IsLoopbackHost(Host);

    public static bool IsLoopbackHost(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>What nodes call a host by: one name for this machine's loopback, since messages to another name are not taken.</summary>
    public static string Canonical(string host) => host == "localhost" ? Loopback : host.Trim('[', ']');

    /// <param name="text"><c>HOST:PORT</c>; an IPv6 address in brackets.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out NodeAddress? address)
    {
        address = null;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0)
            return false;
        string host = text![..colon];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']') && IPAddress.TryParse(host[1..^1], out _);
        if ((!bracketed && (host.Contains(':') || Uri.CheckHostName(host) == UriHostNameType.Unknown))
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > IPEndPoint.MaxPort)
        {
            return false;
        }

        address = new NodeAddress(Canonical(host), port);
        return true;
    }

    public int CompareTo(NodeAddress other) =>
        string.CompareOrdinal(Host, other.Host) is var byHost && byHost != 0 ? byHost : Port.CompareTo(other.Port);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
}
