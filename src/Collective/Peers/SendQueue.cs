using System.Runtime.InteropServices;

namespace Singa.Actors.Collective.Peers;

/// <summary>Takes bytes from memory to a peer.</summary>
internal interface ISender
{
    /// <returns>Bytes taken from the front of <paramref name="pieces"/>: 0 where none fit now; −1: the connection is gone.</returns>
    long Send(ReadOnlySpan<Piece> pieces);

    /// <summary>Whether nothing is held back of what was taken.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    bool Flush();
}

/// <summary>How far sending has come.</summary>
internal enum Pumped
{
    Empty,
    Blocked,
    Gone,
}

/// <summary>
/// Frames that wait for a connection. Rows are sent from where they lie, totals from staging: nothing is copied here. Totals and news go
/// before rows, because others wait for them. Any thread.
/// </summary>
internal sealed unsafe class SendQueue : IDisposable
{
    private const int MostFrames = 16;

    private readonly Lock gate = new();
    private readonly int mostBytes;
    private readonly FrameHeader* headers = (FrameHeader*)NativeMemory.Alloc(MostFrames * FrameHeader.Bytes);
    private readonly Piece[] pieces = new Piece[2 * MostFrames];
    private readonly Queue<Frame> first = new();
    private readonly LinkedList<RowRun> rows = new();
    private readonly List<Staging> used = [];
    private readonly List<byte[]> kept = [];
    private readonly List<RowRun> finished = [];
    private int count, at;
    private bool disposed;

    /// <param name="mostBytes">How much is given to the sender at once, about.</param>
    public SendQueue(int mostBytes) => this.mostBytes = mostBytes;

    public bool IsEmpty
    {
        get
        {
            lock (gate)
                return at == count && first.Count == 0 && rows.Count == 0;
        }
    }

    /// <summary>A frame whose payload lies in staging or in an array of its own.</summary>
    public void Add(in Frame frame)
    {
        lock (gate)
        {
            if (disposed)
                frame.Block?.Release();
            else
                first.Enqueue(frame);
        }
    }

    public void Add(RowRun run)
    {
        lock (gate)
        {
            if (!disposed)
                rows.AddLast(run.Node);
        }
    }

    /// <summary>Sends what the sender takes.</summary>
    /// <param name="sent">Receives runs that have left wholly, with the number of their use.</param>
    public Pumped Pump(ISender sender, List<(RowRun Run, int Use)> sent)
    {
        lock (gate)
        {
            while (!disposed)
            {
                long taken;
                try
                {
                    if (!sender.Flush())
                        return Pumped.Blocked;
                    if (at == count && !Fill())
                        return Pumped.Empty;
                    taken = sender.Send(pieces.AsSpan(at, count - at));
                }
                catch (IOException)
                {
                    return Pumped.Gone;
                }

                if (taken < 0)
                    return Pumped.Gone;
                if (taken == 0)
                    return Pumped.Blocked;
                Advance(taken);
                if (at == count)
                    Finish(sent);
            }

            return Pumped.Gone;
        }
    }

    /// <summary>From now on no memory of these rows is looked at: what has not begun to be sent is not sent.</summary>
    public void Detach(PeerSeats seats)
    {
        lock (gate)
        {
            for (var node = rows.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Seats == seats)
                    rows.Remove(node);
                node = next;
            }

            finished.RemoveAll(r => r.Seats == seats);
            if (at < count)
                Spill();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
                return;
            disposed = true;
            foreach (var frame in first)
                frame.Block?.Release();
            foreach (var block in used)
                block.Release();
            first.Clear();
            rows.Clear();
            used.Clear();
            finished.Clear();
            count = at = 0;
            NativeMemory.Free(headers);
        }
    }

    private bool Fill()
    {
        count = at = 0;
        long bytes = 0;
        for (int frames = 0; frames < MostFrames && bytes < mostBytes; frames++)
        {
            nint payload;
            if (first.TryDequeue(out var frame))
            {
                headers[frames] = frame.Header;
                payload = frame.Payload;
                if (frame.Block is not null)
                    used.Add(frame.Block);
                if (frame.Keep is not null)
                    kept.Add(frame.Keep);
            }
            else if (rows.First is { } node)
            {
                if (node.Value.Next(out headers[frames], out payload))
                {
                    rows.RemoveFirst();
                    finished.Add(node.Value);
                }
            }
            else
            {
                break;
            }

            pieces[count++] = new Piece((nint)(headers + frames), FrameHeader.Bytes);
            if (headers[frames].Length > 0)
                pieces[count++] = new Piece(payload, headers[frames].Length);
            bytes += FrameHeader.Bytes + headers[frames].Length;
        }

        return count > 0;
    }

    private void Advance(long taken)
    {
        while (taken > 0)
        {
            ref var piece = ref pieces[at];
            if (taken < piece.Length)
            {
                piece = new Piece(piece.Address + (nint)taken, piece.Length - (nint)taken);
                return;
            }

            taken -= piece.Length;
            at++;
        }
    }

    private void Finish(List<(RowRun Run, int Use)> sent)
    {
        foreach (var block in used)
            block.Release();
        foreach (var run in finished)
            sent.Add((run, run.Use));
        used.Clear();
        kept.Clear();
        finished.Clear();
    }

    /// <summary>What has been given to the sender in part has to go on; it goes on from a copy.</summary>
    private void Spill()
    {
        long bytes = 0;
        for (int i = at; i < count; i++)
            bytes += pieces[i].Length;
        byte[] copy = GC.AllocateUninitializedArray<byte>((int)bytes, pinned: true);
        int to = 0;
        for (int i = at; i < count; i++)
        {
            to += pieces[i].CopyTo(copy.AsSpan(to));
        }

        kept.Add(copy);
        pieces[0] = new Piece(Marshal.UnsafeAddrOfPinnedArrayElement(copy, 0), copy.Length);
        (at, count) = (0, 1);
    }
}

/// <summary>A frame with its payload: in staging, or in a pinned array that <c>Keep</c> keeps.</summary>
internal readonly record struct Frame(FrameHeader Header, nint Payload = 0, Staging? Block = null, byte[]? Keep = null);
