namespace Singa.Actors.Collective.Peers;

/// <summary>What of one bucket is here and what is lacking. Part of <see cref="PeerRound"/>.</summary>
internal sealed class PeerBucket(ProcessGroup group, int number)
{
    private const int MostRows = 64;

    private readonly int[] rows = new int[group.Count];
    private readonly bool[] arrived = new bool[group.Count];
    private readonly bool[] unsent = new bool[group.Count];
    private ulong[] have = [];
    private int[] lacking = [];
    private bool[] totals = [];
    private bool known;
    private bool brought;
    private bool complete;
    private int totalsLacking;
    private int peersUnsent;

    public BucketCut Cut { get; private set; }

    public void Open()
    {
        known = brought = complete = false;
        peersUnsent = 0;
        rows.AsSpan().Fill(-1);
        Array.Clear(arrived);
        Array.Clear(unsent);
    }

    /// <summary>Whoever comes first says how large the bucket is.</summary>
    public bool Fits(long bytes)
    {
        if (known)
            return Cut.Bytes == bytes;
        known = true;
        if (Cut.Bytes != bytes || have.Length == 0)
            Cut = group.Cut(number, bytes);
        int owned = Cut.Owned(group.Self);
        Clear(ref have, owned * group.Count);
        Clear(ref lacking, owned);
        Clear(ref totals, Cut.Segments);
        lacking.AsSpan().Fill(group.Count);
        totalsLacking = Cut.Segments;
        return true;
    }

    public void Bring(ReadOnlySpan<bool> gone)
    {
        brought = arrived[group.Self] = true;
        for (int p = 0; p < unsent.Length; p++)
        {
            unsent[p] = p != group.Self && !gone[p] && Cut.Owned(p) > 0;
            peersUnsent += unsent[p] ? 1 : 0;
        }

        foreach (ref int count in lacking.AsSpan())
            count--;
    }

    public Taken Row(int process, int segment, int row, int rowsOfProcess)
    {
        if ((uint)segment >= (uint)Cut.Segments || !Cut.Owns(group.Self, segment))
            return Taken.Wrong;
        if ((uint)rowsOfProcess > MostRows || (uint)row >= (uint)Math.Max(1, rowsOfProcess))
            return Taken.Wrong;
        if (rows[process] < 0)
            rows[process] = rowsOfProcess;
        else if (rows[process] != rowsOfProcess)
            return Taken.Wrong;
        int ordinal = Cut.Ordinal(segment);
        ref ulong bits = ref have[ordinal * group.Count + process];
        ulong bit = 1UL << row;
        if ((bits & bit) != 0)
            return Taken.Needless;
        bits |= bit;
        if (bits != All(rowsOfProcess))
            return Taken.Kept;
        return --lacking[ordinal] == 0 ? Taken.Ready : Taken.Kept;
    }

    public bool IsReady(int segment) => known && Cut.Owns(group.Self, segment) && lacking[Cut.Ordinal(segment)] == 0 && !totals[segment];

    public void HasTotal(int segment)
    {
        if (totals[segment])
            return;
        totals[segment] = true;
        totalsLacking--;
    }

    public Taken Total(int process, int segment)
    {
        // An owner has a total only when it has the rows from here.
        if (!brought || (uint)segment >= (uint)Cut.Segments || group.Direct || Cut.OwnerOf(segment) != process)
            return Taken.Wrong;
        if (totals[segment])
            return Taken.Needless;
        HasTotal(segment);
        return Taken.Ready;
    }

    public void Sent(int process)
    {
        peersUnsent -= unsent[process] ? 1 : 0;
        unsent[process] = false;
    }

    public bool IsUnsent(int process) => unsent[process];

    /// <summary>True the first time.</summary>
    public bool Arrive(int process)
    {
        bool first = !arrived[process];
        arrived[process] = true;
        return first;
    }

    /// <summary>True once: every segment is a total here, and nobody needs the rows of this process any more.</summary>
    public bool Complete()
    {
        if (complete || !brought || totalsLacking > 0 || peersUnsent > 0)
            return false;
        return complete = true;
    }

    /// <summary>Whether something of a peer is lacking.</summary>
    public bool Needs(int process)
    {
        if (complete || process == group.Self)
            return false;
        if (!known)
            return true;
        if (rows[process] < 0 && Cut.Owned(group.Self) > 0)
            return true;
        for (int i = 0; i < lacking.Length; i++)
        {
            if (have[i * group.Count + process] != All(rows[process]))
                return true;
        }

        if (group.Direct)
            return false;
        for (int i = 0; i < Cut.Owned(process); i++)
        {
            if (!totals[Cut.Segment(process, i)])
                return true;
        }

        return false;
    }

    private static ulong All(int rows) => rows <= 1 ? 1 : rows == MostRows ? ulong.MaxValue : (1UL << rows) - 1;

    private static void Clear<T>(ref T[] array, int length)
    {
        if (array.Length != length)
            array = new T[length];
        else
            Array.Clear(array);
    }
}
