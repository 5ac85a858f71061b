using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Singa.Actors.Collective.Peers;

namespace Singa.Actors.Collective.Tests.Peers;

public sealed class WireSpecs
{
    [Fact]
    public void A_channel_with_something_left_to_send_closes_quietly_when_the_peer_is_gone()
    {
        var (here, there) = Pair();
        var wire = new Wire(here) { IsCorked = true };
        wire.Write(new byte[100]);
        // A process that is killed resets its connections.
        there.LingerState = new LingerOption(true, 0);
        there.Dispose();
        here.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectRead);
        Assert.Throws<IOException>(() =>
        {
            // The first may only learn of the reset.
            wire.Flush();
            wire.Flush();
        });
        wire.Write(new byte[100]);

        new Channel(wire, new SslStream(wire, leaveInnerStreamOpen: true)).Close();
    }

    private static (Socket Here, Socket There) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var here = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        here.Connect(listener.LocalEndPoint!);
        return (here, listener.Accept());
    }
}
