using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>Addresses of hosts. Asking a name server blocks, so a thread of its own does, once for each name.</summary>
internal static class Resolver
{
    private static readonly ConcurrentDictionary<string, IPAddress> Known = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="done">Called on the poller's thread: the address, or null and why there is none.</param>
    public static void Find(string host, Poller poller, Action<IPAddress?, string> done)
    {
        if (IPAddress.TryParse(host, out var address) || Known.TryGetValue(host, out address))
        {
            poller.Post(() => done(address, ""));
            return;
        }

        new Thread(() =>
        {
            var (found, error) = Find(host);
            poller.Post(() => done(found, error));
        }) { IsBackground = true, Name = "singa resolver" }.Start();
    }

    /// <summary>Blocks.</summary>
    public static (IPAddress? Address, string Error) Find(string host)
    {
        if (IPAddress.TryParse(host, out var address) || Known.TryGetValue(host, out address))
            return (address, "");
        try
        {
            address = Dns.GetHostAddresses(host).OrderBy(a => a.AddressFamily is AddressFamily.InterNetwork ? 0 : 1).FirstOrDefault();
            if (address is null)
                return (null, $"{host} has no address");
            Known[host] = address;
            return (address, "");
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return (null, $"{host} is not known: {e.Message}");
        }
    }
}
