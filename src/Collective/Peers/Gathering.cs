using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Singa.Actors.Collective.Peers;

/// <summary>A piece of memory that is sent; laid out as the system's <c>iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct Piece(nint Address, nint Length)
{
    /// <returns>Its length.</returns>
    public readonly unsafe int CopyTo(Span<byte> to)
    {
        new ReadOnlySpan<byte>((void*)Address, (int)Length).CopyTo(to);
        return (int)Length;
    }
}

/// <summary>Sends many pieces of memory with one call of the system, where that has one.</summary>
internal static unsafe partial class Gathering
{
    private const int Interrupted = 4;
    private static readonly int WouldBlock = OperatingSystem.IsLinux() ? 11 : 35;
    private static readonly bool IsUnix = OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <returns>Bytes that the socket took: 0 where it would block; −1: the connection is gone.</returns>
    public static long Send(Socket socket, ReadOnlySpan<Piece> pieces)
    {
        if (!IsUnix)
            return SendEach(socket, pieces);
        fixed (Piece* first = pieces)
        {
            while (true)
            {
                nint count = WriteVector((int)socket.Handle, first, pieces.Length);
                if (count >= 0)
                    return count;
                int error = Marshal.GetLastPInvokeError();
                if (error != Interrupted)
                    return error == WouldBlock ? 0 : -1;
            }
        }
    }

    private static long SendEach(Socket socket, ReadOnlySpan<Piece> pieces)
    {
        long total = 0;
        foreach (var piece in pieces)
        {
            int count = socket.Send(new ReadOnlySpan<byte>((void*)piece.Address, (int)piece.Length), SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
                return -1;
            total += count;
            if (count < piece.Length)
                break;
        }

        return total;
    }

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    private static partial nint WriteVector(int descriptor, Piece* pieces, int count);
}
