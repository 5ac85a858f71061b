using Singa.Actors.Devices.Cpu;

namespace Singa.Actors.Collective.Peers;

/// <summary>Memory for what is on its way, kept for the next round: a bucket's size recurs step after step.</summary>
internal sealed class StagingPool
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, Stack<Staging>> unused = [];
    private bool closed;

    /// <summary>Memory that counts one user.</summary>
    public Staging Take(long bytes)
    {
        lock (gate)
        {
            if (unused.TryGetValue(bytes, out var pieces) && pieces.TryPop(out var piece))
            {
                piece.AddUser();
                return piece;
            }
        }

        return new Staging(this, bytes);
    }

    /// <summary>Frees what is unused now, and the rest when its last user has gone.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            foreach (var piece in unused.Values.SelectMany(p => p))
                piece.Free();
            unused.Clear();
        }
    }

    internal void Return(Staging piece)
    {
        lock (gate)
        {
            if (closed)
            {
                piece.Free();
                return;
            }

            if (!unused.TryGetValue(piece.Bytes, out var pieces))
                unused.Add(piece.Bytes, pieces = new Stack<Staging>());
            pieces.Push(piece);
        }
    }
}

/// <summary>A piece of a pool, with several users: the round, and each frame that is sent from it.</summary>
internal sealed class Staging(StagingPool pool, long bytes)
{
    private readonly CpuMemory memory = new(bytes);
    private int users = 1;

    public long Bytes => bytes;

    public nint Address => memory.HostAddress;

    public void AddUser() => Interlocked.Increment(ref users);

    public void Release()
    {
        if (Interlocked.Decrement(ref users) == 0)
            pool.Return(this);
    }

    internal void Free() => memory.Free();
}
