using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>Tensors one for each step, and the one that holds them along an axis.</summary>
internal static class TimeAxis
{
    public static Shape Insert(Shape shape, int axis, long dim) => Shape.Of([.. shape.Dims[..axis], dim, .. shape.Dims[axis..]]);

    public static Tensor Stack(ImmutableArray<Tensor> elements, int axis) =>
        Concat.Apply(axis, [.. elements.Select(e => e.Reshape(Insert(e.Shape, axis, 1)))]);

    /// <summary>
    /// The elements along an axis, without it. Those of a tensor that was stacked are the very ones it was made of, so that what was computed
    /// from them is found again.
    /// </summary>
    public static ImmutableArray<Tensor> Unstack(Tensor stack, int axis)
    {
        var elements = ImmutableArray.CreateBuilder<Tensor>();
        Collect(stack, 0, stack.Shape[axis]);
        return elements.ToImmutable();

        void Collect(Tensor part, long first, long count)
        {
            var producer = part.Producer;
            switch (producer.Op)
            {
                case Concat concat when concat.Axis == axis:
                    foreach (var input in producer.Inputs)
                    {
                        long from = Math.Max(0, first), to = Math.Min(input.Shape[axis], first + count);
                        if (from < to)
                            Collect(input, from, to - from);
                        first -= input.Shape[axis];
                    }

                    break;
                case Slice slice when IsRange(slice, producer.Inputs[0].Shape):
                    Collect(producer.Inputs[0], first + slice.Start[axis], count);
                    break;
                case Reshape when part.Shape[axis] == 1 && producer.Inputs[0].Shape == part.Shape.RemoveAt(axis):
                    elements.Add(producer.Inputs[0]);
                    break;
                default:
                    var pieces = Split.Apply(part, axis, [.. Enumerable.Repeat(1L, checked((int)part.Shape[axis]))]);
                    elements.AddRange(pieces.Skip((int)first).Take((int)count).Select(p => p.Reshape(p.Shape.RemoveAt(axis))));
                    break;
            }
        }

        bool IsRange(Slice slice, Shape whole) => slice.Step[axis] == 1
            && Enumerable.Range(0, whole.Rank).All(a => a == axis || (slice.Start[a] == 0 && slice.Length[a] == whole[a]));
    }

    /// <summary>What each step found: the first value, then what the steps before it left.</summary>
    public static Tensor Before(Tensor first, Tensor after, int axis, bool reverse)
    {
        long steps = after.Shape[axis];
        var start = first.Reshape(Insert(first.Shape, axis, 1));
        if (steps == 1)
            return start;
        var shape = after.Shape;
        var rest = after.Slice([.. shape.Select((_, a) => a == axis && reverse ? 1L : 0)], [.. shape.With(axis, steps - 1)], [.. shape.Select(_ => 1L)]);
        return reverse ? Concat.Apply(axis, rest, start) : Concat.Apply(axis, start, rest);
    }

    /// <summary>The tensor with one axis elsewhere, the others in their order.</summary>
    public static Tensor Move(Tensor tensor, int from, int to)
    {
        if (from == to)
            return tensor;
        var order = Enumerable.Range(0, tensor.Shape.Rank).Where(a => a != from).ToList();
        order.Insert(to, from);
        return tensor.Transpose([.. order]);
    }
}
