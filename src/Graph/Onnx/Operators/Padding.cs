using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>More elements before and after axes (or fewer, where a number is negative): a value, or others of the axis by mode.</summary>
internal static class Padding
{
    public static Tensor Apply(Tensor x, long[] pads, long[]? axes, string mode, Tensor value)
    {
        int[] which = axes is null ? [.. Enumerable.Range(0, x.Shape.Rank)] : OnnxCall.Axes(axes, x.Shape.Rank);
        if (pads.Length != 2 * which.Length)
            throw new OnnxException($"{pads.Length} numbers of padding for {which.Length} axes");
        long[] before = new long[x.Shape.Rank], after = new long[x.Shape.Rank];
        for (int i = 0; i < which.Length; i++)
            (before[which[i]], after[which[i]]) = (pads[i], pads[which.Length + i]);
        return mode == "constant" ? WithValue(x, before, after, value) : WithOthers(x, before, after, mode);
    }

    public static Tensor WithValue(Tensor x, long[] before, long[] after, Tensor value)
    {
        long[] cutFront = [.. before.Select(b => Math.Max(0, -b))], cutBack = [.. after.Select(a => Math.Max(0, -a))];
        long[] length = [.. x.Shape.Select((d, a) => Math.Max(0, d - cutFront[a] - cutBack[a]))];
        if (cutFront.Any(n => n > 0) || cutBack.Any(n => n > 0))
            x = x.Slice([.. cutFront.Select((f, a) => length[a] == 0 ? 0 : f)], [.. length], [.. length.Select(_ => 1L)]);
        Seq<long> front = [.. before.Select(b => Math.Max(0, b))], back = [.. after.Select(a => Math.Max(0, a))], between = [.. before.Select(_ => 0L)];
        if (front.Concat(back).All(n => n == 0))
            return x;
        var padded = x.Pad(front, back, between);
        if (value.Producer.Op is Fill { Value: 0 })
            return padded;
        var inside = Fill.Create(DType.Bool, x.Shape, 1).Pad(front, back, between);
        return Pointwise.Apply("Pad", a => Fn.Select(a[0], a[1], a[2]), inside, padded, value);
    }

    private static Tensor WithOthers(Tensor x, long[] before, long[] after, string mode)
    {
        for (int axis = 0; axis < x.Shape.Rank; axis++)
        {
            long length = x.Shape[axis];
            if (before[axis] == 0 && after[axis] == 0)
                continue;
            if (length == 0)
                throw new OnnxException($"axis {axis} of {x.Shape} has nothing to pad with");
            int[] from = [.. Enumerable.Range(0, Tables.Length(before[axis] + length + after[axis])).Select(i => (int)From(i - before[axis], length, mode))];
            x = x.Gather(Constant.Create<int>(from, Shape.Of(from.Length)), axis);
        }

        return x;
    }

    private static long From(long place, long length, string mode)
    {
        switch (mode)
        {
            case "edge":
                return Math.Clamp(place, 0, length - 1);
            case "wrap":
                return (place % length + length) % length;
            case "reflect":
                long period = Math.Max(1, 2 * (length - 1)), at = (place % period + period) % period;
                return length == 1 ? 0 : at < length ? at : period - at;
            default:
                throw new OnnxException($"there is no padding mode '{mode}'");
        }
    }
}
