using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// A socket as a stream whose bytes a poller feeds: reads complete on the poller's thread when something has come, writes are taken at once and
/// what the socket does not take is kept for when it does. TLS and the handshake run on top, without a thread of their own and without the
/// thread pool. <see cref="Block"/> turns it into an ordinary blocking stream for a thread that has it to itself.
/// </summary>
internal sealed class Wire(Socket socket) : Stream, IValueTaskSource<int>
{
    private const int ReceiveBytes = 64 * 1024;

    private ManualResetValueTaskSourceCore<int> source;
    private byte[] incoming = new byte[4096];
    private int start, end;
    private Memory<byte> waiting;
    private bool isWaiting, isBlocking, isEnded, isDropped;
    private byte[] outgoing = [];
    private int sent, queued;
    private readonly Lock writing = new();

    public Socket Socket => socket;

    /// <summary>Whether the socket did not take all that was written.</summary>
    public bool IsBacklogged => sent < queued;

    /// <summary>Whether the other side has closed.</summary>
    public bool IsEnded => isEnded;

    public long Written { get; private set; }

    /// <summary>Writes go to the socket with <see cref="Flush"/> only.</summary>
    public bool IsCorked { get; set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public void Block()
    {
        socket.Blocking = isBlocking = true;
        IsCorked = false;
    }

    /// <summary>The peer is heard of often from now on: larger pieces are worth their memory.</summary>
    public void Widen()
    {
        if (incoming.Length < ReceiveBytes)
            Array.Resize(ref incoming, ReceiveBytes);
    }

    /// <summary>Takes what the socket has, and passes it to whoever reads.</summary>
    public void Feed()
    {
        if (start == end)
            start = end = 0;
        else if (end == incoming.Length && start > 0)
            Compact();
        if (end < incoming.Length)
        {
            int count = socket.Receive(incoming.AsSpan(end), SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock)
                return;
            if (error is not SocketError.Success)
            {
                End(new IOException(Sentence(error), new SocketException((int)error)));
                return;
            }

            isEnded |= count == 0;
            end += count;
        }

        Serve();
    }

    /// <summary>Whoever reads is told that nothing more comes.</summary>
    public void End(Exception? error = null)
    {
        isEnded = true;
        if (!isWaiting)
            return;
        isWaiting = false;
        if (error is null)
            source.SetResult(0);
        else
            source.SetException(error);
    }

    /// <summary>Nothing is sent any more, without complaint: streams on top flush when they are disposed of, also where nobody is left to send to.</summary>
    public void Drop()
    {
        lock (writing)
        {
            isDropped = true;
            sent = queued = 0;
        }
    }

    /// <summary>What lies here unread; it is taken.</summary>
    public ReadOnlySpan<byte> TakeBuffered()
    {
        var rest = incoming.AsSpan(start, end - start);
        start = end = 0;
        return rest;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (isBlocking)
            return new ValueTask<int>(Read(buffer.Span));
        if (start < end || isEnded)
            return new ValueTask<int>(Copy(buffer.Span));
        (waiting, isWaiting) = (buffer, true);
        source.Reset();
        return new ValueTask<int>(this, source.Version);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer)
    {
        if (start == end && !isEnded)
        {
            if (!isBlocking)
                throw new InvalidOperationException("a polled wire is read asynchronously");
            start = 0;
            end = socket.Receive(incoming);
            isEnded |= end == 0;
        }

        return Copy(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (isBlocking)
        {
            while (buffer.Length > 0)
                buffer = buffer[socket.Send(buffer)..];
            return;
        }

        lock (writing)
        {
            if (isDropped)
                return;
            Written += buffer.Length;
            if (sent == queued)
                sent = queued = 0;
            if (outgoing.Length - queued < buffer.Length)
                Array.Resize(ref outgoing, Math.Max(queued + buffer.Length, outgoing.Length * 2));
            buffer.CopyTo(outgoing.AsSpan(queued));
            queued += buffer.Length;
            if (!IsCorked)
                Flush();
        }
    }

    /// <exception cref="IOException">The connection is gone.</exception>
    public override void Flush()
    {
        lock (writing)
        {
            while (sent < queued)
            {
                int count = socket.Send(outgoing.AsSpan(sent, queued - sent), SocketFlags.None, out var error);
                if (error is SocketError.WouldBlock)
                    return;
                if (error is not SocketError.Success)
                    throw new IOException(Sentence(error), new SocketException((int)error));
                sent += count;
            }
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Flush();
        return Task.CompletedTask;
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);

    internal static string Sentence(SocketError error) => error switch
    {
        SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted => "the connection was reset",
        SocketError.ConnectionRefused => "the connection is refused",
        SocketError.TimedOut => "nothing was acknowledged in time",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => "there is no way there",
        _ => $"the system reports {error}",
    };

    private void Serve()
    {
        if (!isWaiting || (start == end && !isEnded))
            return;
        isWaiting = false;
        int count = Copy(waiting.Span);
        waiting = default;
        source.SetResult(count);
    }

    private int Copy(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, end - start);
        incoming.AsSpan(start, count).CopyTo(buffer);
        start += count;
        return count;
    }

    private void Compact()
    {
        incoming.AsSpan(start, end - start).CopyTo(incoming);
        (start, end) = (0, end - start);
    }
}
