using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>Gives to peers what was published here, each from a thread of its own; so many at once, others wait for their turn.</summary>
internal sealed class BlobServer(DataPlaneSettings settings) : IDisposable
{
    private const int MostWaiting = 256;

    private readonly ConcurrentDictionary<string, Blob> published = new();
    private readonly SemaphoreSlim turns = new(settings.BlobTransfers);
    private readonly CancellationTokenSource ended = new();
    private readonly ConcurrentDictionary<Socket, bool> open = new();

    public void Publish(string name, Blob blob) => published[name] = blob;

    public void Withdraw(string name) => published.TryRemove(name, out _);

    public bool TryGet(string name, out Blob? blob) => published.TryGetValue(name, out blob);

    /// <summary>Whoever is there has shown who it is.</summary>
    public void Serve(Channel channel)
    {
        if (open.Count >= MostWaiting || !open.TryAdd(channel.Wire.Socket, true))
        {
            channel.Close();
            return;
        }

        new Thread(() => Run(channel)) { IsBackground = true, Name = "singa blob" }.Start();
    }

    public void Dispose()
    {
        ended.Cancel();
        foreach (var socket in open.Keys)
            socket.Dispose();
    }

    private void Run(Channel channel)
    {
        bool turn = false;
        try
        {
            channel.Wire.Block();
            channel.Wire.Socket.ReceiveTimeout = channel.Wire.Socket.SendTimeout = (int)settings.BlobTimeout.TotalMilliseconds;
            turns.Wait(ended.Token);
            turn = true;
            Give(channel.Stream);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // Whoever fetched has gone, or stands still; it hears of it when it reads.
        }
        finally
        {
            if (turn)
                turns.Release();
            open.TryRemove(channel.Wire.Socket, out _);
            channel.Close();
        }
    }

    private void Give(Stream stream)
    {
        string name = BlobProtocol.ReadText(stream);
        long offset = BlobProtocol.ReadInt64(stream);
        if (!TryGet(name, out var blob))
        {
            BlobProtocol.WriteInt64(stream, -1);
            BlobProtocol.WriteText(stream, $"it has nothing named {name}");
            return;
        }

        BlobProtocol.WriteInt64(stream, blob!.Length);
        byte[] chunk = GC.AllocateUninitializedArray<byte>((int)Math.Min(BlobProtocol.ChunkBytes, Math.Max(1, blob.Length)));
        for (long at = Math.Clamp(offset, 0, blob.Length); at < blob.Length;)
        {
            var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, blob.Length - at));
            try
            {
                blob.Read(at, part);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                BlobProtocol.WriteInt32(stream, -1);
                BlobProtocol.WriteText(stream, $"it cannot read {name}: {e.Message}");
                return;
            }

            BlobProtocol.WriteInt32(stream, part.Length);
            stream.Write(part);
            at += part.Length;
        }

        // The last bytes have arrived when the other side hangs up.
        _ = stream.Read(chunk.AsSpan(0, 1));
    }
}
