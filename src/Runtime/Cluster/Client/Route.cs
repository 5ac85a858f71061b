using System.Collections.Immutable;
using System.Net.Sockets;

namespace Singa.Actors.Runtime.Cluster.Client;

/// <summary>Ways from here to a node.</summary>
internal static class Route
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The address of this machine by which the nodes can answer: that of the way to the first of them that there is a way to.</summary>
    /// <exception cref="NotReachedException">There is none.</exception>
    public static string LocalAddress(ImmutableArray<NodeAddress> nodes)
    {
        string reason = "";
        foreach (var node in nodes)
        {
            try
            {
                // Connecting a datagram socket sends nothing; the system only says which address it would use.
                using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
                socket.Connect(node.Host, node.Port);
                var local = ((System.Net.IPEndPoint)socket.LocalEndPoint!).Address;
                return (local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local).ToString();
            }
            catch (SocketException exception)
            {
                reason = exception.Message;
            }
        }

        throw new NotReachedException($"there is no way to {string.Join(", ", nodes)}: {reason}");
    }

    public static async Task<bool> ListensAsync(NodeAddress node)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(node.Host, node.Port, patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
