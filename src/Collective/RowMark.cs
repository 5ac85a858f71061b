namespace Singa.Actors.Collective;

/// <summary>What has become of the rows that a member brought of a bucket.</summary>
public enum RowState
{
    /// <summary>They are as they were brought.</summary>
    Brought,

    /// <summary>With those of the members of this process: the leftmost row of every node whose shards are all here has its sum (<see cref="TreeSum.Gather"/>).</summary>
    Gathered,

    /// <summary>They are used up.</summary>
    Spent,
}

/// <summary>
/// Says of one bucket of one member what has become of its rows, to whoever wants them when a round has failed. Written by whoever holds the
/// rows, read when nobody does any more.
/// </summary>
public sealed class RowMark
{
    private long step = -1;
    private RowState state;

    public RowState this[long of] => of == step ? state : RowState.Brought;

    public void Begin(long at) => (step, state) = (at, RowState.Brought);

    public void Set(RowState now) => state = now;
}
