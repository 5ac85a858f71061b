using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>What padding is made of.</summary>
public enum PadMode : byte
{
    /// <summary>The outermost element again: <c>a a | a b c | c c</c>.</summary>
    Edge,

    /// <summary>Mirrored without the outermost: <c>c b | a b c | b a</c>.</summary>
    Reflect,

    /// <summary>From the other end: <c>b c | a b c | a b</c>.</summary>
    Wrap,
}

/// <summary>The same elements elsewhere: shapes, order, joining and cutting. Negative axes count from the end.</summary>
public sealed partial class Tensor
{
    /// <summary>The elements row by row in another shape, of which one dimension may be −1: what is left.</summary>
    public Tensor Reshape(params ReadOnlySpan<long> dims)
    {
        int open = dims.IndexOf(-1);
        if (open < 0)
            return Reshape(Shape.Of(dims));
        long others = 1;
        for (int i = 0; i < dims.Length; i++)
            others *= i == open ? 1 : dims[i];
        if (dims[(open + 1)..].Contains(-1) || others <= 0 || Shape.Count % others != 0)
            throw new GraphException($"{Shape} has {Shape.Count} elements and cannot be reshaped to [{string.Join(", ", dims.ToArray())}]: one −1 stands for what the others leave");
        long[] known = dims.ToArray();
        known[open] = Shape.Count / others;
        return Reshape(Shape.Of(known));
    }

    /// <summary>Axes from one on as one axis.</summary>
    public Tensor Flatten(int from = 0)
    {
        int first = from == 0 ? 0 : Axis(from);
        long rest = 1;
        foreach (long dim in Shape.Dims[first..])
            rest *= dim;
        return Reshape(Shape.Of([.. Shape.Dims[..first], rest]));
    }

    /// <summary>Without axes of length 1.</summary>
    public Tensor Squeeze() => Reshape(Shape.Of([.. Shape.Where(d => d != 1)]));

    /// <summary>Without one axis, whose length is 1.</summary>
    public Tensor Squeeze(int axis) => Shape[Axis(axis)] == 1 ? Reshape(Shape.RemoveAt(Axis(axis)))
        : throw new GraphException($"axis {axis} of {Shape} has {Shape[Axis(axis)]} elements: only an axis of one can go");

    /// <summary>With a new axis of length 1, which is then axis number <paramref name="axis"/>.</summary>
    public Tensor Unsqueeze(int axis)
    {
        int at = axis < 0 ? axis + Shape.Rank + 1 : axis;
        if (at < 0 || at > Shape.Rank)
            throw new GraphException($"a new axis of {Shape} can be number 0 to {Shape.Rank}, not {axis}");
        return Reshape(Shape.Of([.. Shape.Dims[..at], 1, .. Shape.Dims[at..]]));
    }

    /// <summary>Axes in reverse order: of a matrix its transpose.</summary>
    public Tensor Transpose() => Shape.Rank < 2 ? this : Transpose([.. AllAxes.Reverse()]);

    public Tensor SwapAxes(int a, int b)
    {
        int[] order = AllAxes;
        (order[Axis(a)], order[Axis(b)]) = (Axis(b), Axis(a));
        return Transpose(order);
    }

    /// <summary>One after the other along an axis.</summary>
    public static Tensor Concat(int axis, params ImmutableArray<Tensor> tensors) => Composites.Concat(axis, tensors);

    /// <summary>Tensors of one shape along a new axis.</summary>
    public static Tensor Stack(int axis, params ImmutableArray<Tensor> tensors) => Composites.Concat(axis, [.. tensors.Select(t => t.Unsqueeze(axis))]);

    /// <summary>Equal pieces along an axis.</summary>
    public ImmutableArray<Tensor> Chunk(int count, int axis = 0)
    {
        int at = Axis(axis);
        if (count < 1 || Shape[at] % count != 0)
            throw new GraphException($"axis {at} of {Shape} cannot be cut into {count} equal pieces; Split takes lengths");
        return this.Split(at, [.. Enumerable.Repeat(Shape[at] / count, count)]);
    }

    /// <summary>The whole tensor so many times along each of the last axes; more numbers than axes add axes in front.</summary>
    public Tensor Tile(params ReadOnlySpan<long> times)
    {
        long[] each = times.ToArray();
        if (each.Any(t => t < 0))
            throw new GraphException($"a tensor is repeated 0 times or more, not [{string.Join(", ", each)}]");
        long[] dims = [.. Enumerable.Repeat(1L, Math.Max(0, each.Length - Shape.Rank)), .. Shape];
        each = [.. Enumerable.Repeat(1L, dims.Length - each.Length), .. each];
        return Reshape(Shape.Of([.. dims.SelectMany(d => new[] { 1, d })]))
            .BroadcastTo(Shape.Of([.. dims.SelectMany((d, a) => new[] { each[a], d })]))
            .Reshape(Shape.Of([.. dims.Select((d, a) => d * each[a])]));
    }

    /// <summary>Each element so many times in a row along an axis.</summary>
    public Tensor Repeat(long times, int axis)
    {
        int at = Axis(axis);
        if (times < 0)
            throw new GraphException($"an element is repeated 0 times or more, not {times}");
        return Unsqueeze(at + 1).BroadcastTo(Shape.Of([.. Shape.Dims[..(at + 1)], times, .. Shape.Dims[(at + 1)..]])).Reshape(Shape.With(at, Shape[at] * times));
    }

    /// <summary>Last first along axes.</summary>
    public Tensor Flip(params ReadOnlySpan<int> axes)
    {
        var result = this;
        foreach (int axis in axes)
        {
            int last = checked((int)Shape[Axis(axis)] - 1);
            result = result.Gather(Arange(last, -1, -1), axis);
        }

        return result;
    }

    /// <summary>
    /// Zeros (or another value) before and after the last axes: one pair for each of them, the innermost last.
    /// </summary>
    public Tensor Pad(ReadOnlySpan<(long Before, long After)> widths, double value = 0)
    {
        var result = this;
        var pairs = Widths(widths);
        for (int axis = 0; axis < pairs.Length; axis++)
        {
            var (before, after) = pairs[axis];
            if (before == 0 && after == 0)
                continue;
            result = Composites.Concat(axis, [Outside(before), result, Outside(after)]);

            Tensor Outside(long width) => Full(result.Shape.With(axis, width), value, DType);
        }

        return result;
    }

    /// <summary>The tensor's own elements before and after the last axes; gradients go back to where they came from.</summary>
    public Tensor Pad(PadMode mode, params ReadOnlySpan<(long Before, long After)> widths)
    {
        var result = this;
        var pairs = Widths(widths);
        for (int axis = 0; axis < pairs.Length; axis++)
        {
            var (before, after) = pairs[axis];
            long size = Shape[axis], most = mode switch { PadMode.Reflect => size - 1, PadMode.Wrap => size, _ => size == 0 ? 0 : long.MaxValue };
            if (before > most || after > most)
                throw new GraphException($"{mode} padding of {before} and {after} of axis {axis} of {Shape}: at most {Math.Max(0, most)} fit");
            if (before == 0 && after == 0)
                continue;
            int[] from = [.. Enumerable.Range(0, checked((int)(before + size + after))).Select(i => (int)Origin(i - before, size))];
            result = result.Gather(From(from), axis);
        }

        return result;

        long Origin(long i, long size) => mode switch
        {
            PadMode.Edge => Math.Clamp(i, 0, size - 1),
            PadMode.Wrap => (i + size) % size,
            _ => i < 0 ? -i : i < size ? i : 2 * (size - 1) - i,
        };
    }

    /// <summary>
    /// This tensor with updates added where Int32 indices of an axis say; an index that occurs twice is added twice. Updates have the
    /// indices' shape in the place of the axis.
    /// </summary>
    public Tensor ScatterAdd(Tensor indices, Tensor updates, int axis = 0)
    {
        int at = Axis(axis), rank = indices.Shape.Rank;
        var expected = Shape.Of([.. Shape.Dims[..at], .. indices.Shape, .. Shape.Dims[(at + 1)..]]);
        if (updates.Shape != expected)
            throw new GraphException($"adding to axis {at} of {Shape} at indices {indices.Shape} takes updates {expected}, not {updates.Shape}");
        if (at == 0)
            return this + Ops.ScatterAdd.Apply(indices, updates, Shape[0]);
        // The axis first, where rows are added up, and back.
        int[] first = [.. Enumerable.Range(at, rank), .. Enumerable.Range(0, at), .. Enumerable.Range(at + rank, updates.Shape.Rank - at - rank)];
        int[] back = [.. Enumerable.Range(1, at), 0, .. Enumerable.Range(at + 1, Shape.Rank - at - 1)];
        return this + Ops.ScatterAdd.Apply(indices, updates.Transpose(first), Shape[at]).Transpose(back);
    }

    /// <summary>The diagonal of two axes of one length, as the last axis.</summary>
    public Tensor Diagonal(int first = -2, int second = -1)
    {
        int a = Axis(first), b = Axis(second);
        if (a == b || Shape[a] != Shape[b])
            throw new GraphException($"axes {first} and {second} of {Shape} have no diagonal: they must be two, and equally long");
        int[] others = [.. AllAxes.Where(x => x != a && x != b)];
        long n = Shape[a];
        var rest = Shape.Of([.. others.Select(x => Shape[x])]);
        return Transpose([.. others, a, b]).Reshape(rest.Append(n * n))
            .Slice([.. others.Select(_ => 0L), 0], [.. rest, n], [.. others.Select(_ => 1L), n + 1]);
    }

    /// <summary>Of the last two axes only what lies on and below a diagonal; the main one is 0, above it is positive.</summary>
    public Tensor Tril(int diagonal = 0) => Where(RowLessColumn(diagonal), 0, this);

    /// <summary>Of the last two axes only what lies on and above a diagonal.</summary>
    public Tensor Triu(int diagonal = 0) => Where(RowLessColumn(diagonal - 1), this, 0);

    private Tensor RowLessColumn(int diagonal)
    {
        if (Shape.Rank < 2)
            throw new GraphException($"{Shape} is no matrix and has no triangle");
        return Arange(checked((int)Shape[^2])).Unsqueeze(1) + diagonal < Arange(checked((int)Shape[^1]));
    }

    private (long Before, long After)[] Widths(ReadOnlySpan<(long Before, long After)> widths)
    {
        if (widths.Length > Shape.Rank)
            throw new GraphException($"padding names {widths.Length} axes and {Shape} has {Shape.Rank}");
        (long Before, long After)[] all = [.. Enumerable.Repeat((0L, 0L), Shape.Rank - widths.Length), .. widths];
        return all.Any(w => w.Before < 0 || w.After < 0)
            ? throw new GraphException($"padding of {Shape} cannot be negative: {string.Join(", ", all)}; a slice takes away") : all;
    }

    /// <summary>The number of an axis that may be counted from the end.</summary>
    internal int Axis(int axis)
    {
        int at = axis < 0 ? axis + Shape.Rank : axis;
        return at >= 0 && at < Shape.Rank ? at : throw new GraphException(Shape.Rank == 0
            ? $"a scalar has no axis {axis}" : $"{Shape} has no axis {axis}: they are 0 to {Shape.Rank - 1}, or −{Shape.Rank} to −1 from the end");
    }
}
