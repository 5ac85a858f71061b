using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// How long TCP itself goes on with a connection on which nothing comes back: long enough for a cut that heals to leave no trace, short
/// enough that a machine that was switched off is noticed.
/// </summary>
internal static class LinkOptions
{
    private const int IdleSeconds = 10;
    private const int IntervalSeconds = 5;
    private const int Attempts = 4;
    private const int UnacknowledgedMilliseconds = 30_000;

    // linux/tcp.h; other systems have no such option, or another.
    private const int Tcp = 6;
    private const int TcpUserTimeout = 18;

    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, IntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Attempts);
        if (OperatingSystem.IsLinux())
            socket.SetRawSocketOption(Tcp, TcpUserTimeout, BitConverter.GetBytes(UnacknowledgedMilliseconds));
    }
}
