using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Singa.Actors.Collective.Peers;

/// <summary>Brings one blob, on a thread of its own.</summary>
internal sealed class BlobFetch(
    HandshakeTerms terms, DataPlaneSettings settings, BlobServer here, IReadOnlyList<PeerId> sources, string name, IBlobSink sink, long most, CancellationToken cancel)
{
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IncrementalHash? hash;
    private long length = -1, at;

    public Task Start()
    {
        new Thread(Run) { IsBackground = true, Name = "singa fetch" }.Start();
        return done.Task;
    }

    private void Run()
    {
        try
        {
            List<string> failures = [];
            foreach (var source in sources)
            {
                cancel.ThrowIfCancellationRequested();
                try
                {
                    if (source == terms.Local)
                        TakeHere();
                    else
                        Take(source);
                    done.TrySetResult();
                    return;
                }
                catch (SourceException e)
                {
                    failures.Add($"{source}: {e.Message}");
                }
            }

            done.TrySetException(new DataPlaneException(
                failures.Count == 0 ? $"nobody is known to have {name}" : $"{name} could not be fetched from {string.Join("; from ", failures)}"));
        }
        catch (OperationCanceledException)
        {
            done.TrySetCanceled(cancel);
        }
        catch (Exception e)
        {
            done.TrySetException(e as DataPlaneException ?? new DataPlaneException($"{name} could not be kept as it came: {e.Message}", e));
        }
        finally
        {
            hash?.Dispose();
        }
    }

    private void TakeHere()
    {
        if (!here.TryGet(name, out var blob))
            throw new SourceException($"it has nothing named {name}");
        Begin(blob!.Length);
        byte[] chunk = new byte[BlobProtocol.ChunkBytes];
        while (at < length)
        {
            var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, length - at));
            try
            {
                blob.Read(at, part);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new SourceException($"it cannot read {name}: {e.Message}");
            }

            Keep(part);
        }

        Check();
    }

    private void Take(PeerId source)
    {
        var channel = Call(source);
        using var hangUp = cancel.Register(() => channel.Wire.Socket.Dispose());
        try
        {
            Take(channel.Stream);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            bool slow = (e as SocketException ?? e.InnerException as SocketException)?.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock;
            throw new SourceException(slow ? $"nothing came for {settings.BlobTimeout.TotalSeconds:0.#} s" : "the connection was lost");
        }
        finally
        {
            channel.Close();
        }
    }

    private void Take(Stream stream)
    {
        BlobProtocol.WriteText(stream, name);
        // Only content that its name describes is the same everywhere, so that it can be gone on with.
        long from = Blob.IsContentName(name) ? at : 0;
        BlobProtocol.WriteInt64(stream, from);
        long announced = BlobProtocol.ReadInt64(stream);
        if (announced < 0)
            throw new SourceException(BlobProtocol.ReadText(stream));
        if (from == 0 || announced != length)
        {
            if (from != 0)
                throw new SourceException($"its {name} has {announced} bytes, that of another {length}");
            Begin(announced);
        }

        byte[] chunk = GC.AllocateUninitializedArray<byte>(BlobProtocol.ChunkBytes);
        while (at < length)
        {
            int bytes = BlobProtocol.ReadInt32(stream);
            if (bytes < 0)
                throw new SourceException(BlobProtocol.ReadText(stream));
            if (bytes == 0 || bytes > chunk.Length || bytes > length - at)
                throw new SourceException($"it sends a piece of {bytes} bytes of {name}");
            stream.ReadExactly(chunk, 0, bytes);
            Keep(chunk.AsSpan(0, bytes));
        }

        Check();
    }

    private Channel Call(PeerId source)
    {
        var (address, error) = Resolver.Find(source.Host);
        if (address is null)
            throw new SourceException(error);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            Connect(socket, new IPEndPoint(address, source.Port));
            var wire = new Wire(socket);
            wire.Block();
            // Everything on a blocking wire is over when its task is.
            var secure = terms.Tls?.DialAsync(wire).GetAwaiter().GetResult();
            var channel = new Channel(wire, secure);
            var answer = Handshake.DialAsync(channel.Stream, terms.Local, source, Purpose.Blob, terms.SegmentBytes, () => true).GetAwaiter().GetResult();
            return answer is Answer.Welcome ? channel : throw new SourceException("another incarnation answers on its port");
        }
        catch (Exception e) when (e is IOException or SocketException or HandshakeException or SourceException)
        {
            socket.Dispose();
            throw e as SourceException ?? new SourceException(Connection.Of(e is IOException { InnerException: SocketException inner } ? inner : e).Item2);
        }
    }

    private void Connect(Socket socket, IPEndPoint end)
    {
        socket.Blocking = false;
        try
        {
            socket.Connect(end);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            if (!socket.Poll(settings.HandshakeTimeout, SelectMode.SelectWrite))
                throw new SocketException((int)SocketError.TimedOut);
            int error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != 0)
                throw new SocketException(error);
        }

        socket.Blocking = true;
        socket.ReceiveTimeout = socket.SendTimeout = (int)settings.BlobTimeout.TotalMilliseconds;
    }

    private void Begin(long bytes)
    {
        if (bytes > most)
            throw new DataPlaneException($"{name} has {bytes} bytes, and {most} are the most that is taken here");
        hash?.Dispose();
        hash = Blob.IsContentName(name) ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        (length, at) = (bytes, 0);
        sink.Begin(bytes);
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        hash?.AppendData(part);
        sink.Write(part);
        at += part.Length;
    }

    private void Check()
    {
        if (hash is null || Blob.NameOfHash(hash.GetHashAndReset()) == name)
            return;
        at = 0;
        throw new SourceException($"what it sent is not {name}");
    }

    /// <summary>This source does not do; another may.</summary>
    private sealed class SourceException(string message) : Exception(message);
}
