namespace Singa.Actors.Graph;

/// <summary>
/// What stands between the brackets of <c>x[…]</c> for one axis: a place, a range, a new axis, or an ellipsis for all axes that are not
/// named. A negative place counts from the end.
/// </summary>
public readonly struct TensorIndex
{
    internal enum Kinds : byte
    {
        Place,
        Range,
        NewAxis,
        Ellipsis,
    }

    private readonly long start;
    private readonly long end;
    private readonly long step;
    private readonly bool startFromEnd;
    private readonly bool endFromEnd;

    private TensorIndex(Kinds kind, long start = 0, bool startFromEnd = false, long end = 0, bool endFromEnd = false, long step = 1)
    {
        Kind = kind;
        (this.start, this.startFromEnd, this.end, this.endFromEnd, this.step) = (start, startFromEnd, end, endFromEnd, step);
    }

    /// <summary>An axis of length 1 that was not there.</summary>
    public static TensorIndex NewAxis { get; } = new(Kinds.NewAxis);

    /// <summary>All of every axis that the other indices leave out.</summary>
    public static TensorIndex Ellipsis { get; } = new(Kinds.Ellipsis);

    internal Kinds Kind { get; }

    public static implicit operator TensorIndex(int place) => (long)place;

    public static implicit operator TensorIndex(long place) => new(Kinds.Place, place < 0 ? -place : place, place < 0);

    public static implicit operator TensorIndex(Index place) => new(Kinds.Place, place.Value, place.IsFromEnd);

    public static implicit operator TensorIndex(Range range) =>
        new(Kinds.Range, range.Start.Value, range.Start.IsFromEnd, range.End.Value, range.End.IsFromEnd);

    /// <summary>Places from one up to, not including, another: for axes longer than a <see cref="System.Range"/> counts.</summary>
    public static TensorIndex Between(long start, long end) => new(Kinds.Range, start, false, end);

    /// <summary>Every so manieth place of the range, from its first.</summary>
    public TensorIndex Step(long by) => Kind == Kinds.Range && by > 0 ? new(Kind, start, startFromEnd, end, endFromEnd, by)
        : throw new GraphException(by <= 0 ? $"a step of {by}: steps go forwards, Flip turns an axis round" : "only a range has a step");

    /// <summary>The first place, how many, and how far apart, on an axis of that length.</summary>
    internal (long Start, long Length, long Step) On(Shape shape, int axis)
    {
        long size = shape[axis], from = startFromEnd ? size - start : start;
        if (Kind == Kinds.Place)
        {
            return from >= 0 && from < size ? (from, 1, 1) : throw new GraphException(
                $"axis {axis} of {shape} has no element {(startFromEnd ? "^" : "")}{start}: " + (size == 0 ? "it is empty" : $"they are 0 to {size - 1}"));
        }

        long to = endFromEnd ? size - end : end;
        return from >= 0 && to <= size && from <= to ? (from, (to - from + step - 1) / step, step)
            : throw new GraphException($"axis {axis} of {shape} has no elements {(startFromEnd ? "^" : "")}{start}..{(endFromEnd ? "^" : "")}{end}: it has {size}");
    }
}

public static class TensorIndices
{
    /// <summary>Every so manieth place of a range: <c>x[(1..).Step(2)]</c>.</summary>
    public static TensorIndex Step(this Range range, long by) => ((TensorIndex)range).Step(by);
}
