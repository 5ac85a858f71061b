using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tensors;

/// <summary>Values that are there already: contiguous, from byte <c>Offset</c> on.</summary>
internal readonly record struct Region(TensorValues Values, long Offset, TensorType Type)
{
    // Views of views are looked through so far and no further.
    private const int DepthMax = 16;

    public bool IsWhole => Offset == 0 && Values.Bytes == Type.Bytes;

    public void CopyTo(long offset, Span<byte> target) => Values.CopyTo(Offset + offset, target);

    /// <summary>
    /// Where a tensor's values lie without computing anything: its own, or a contiguous part of another's. So the rows of a batch cut from
    /// data are an input like any other, and a plan for one batch is the plan for all.
    /// </summary>
    public static Region? Of(Tensor tensor, Func<Tensor, TensorValues?> known)
    {
        var views = new Stack<Node>();
        var at = tensor;
        for (int depth = 0; depth < DepthMax; depth++)
        {
            if (known(at) is { } values)
                return Seen(new Region(values, 0, at.Type), views);
            if (at.Producer.Op is not (Reshape or Slice or Detach))
                return null;
            views.Push(at.Producer);
            at = at.Producer.Inputs[0];
        }

        return null;
    }

    private static Region? Seen(Region region, Stack<Node> views)
    {
        while (views.TryPop(out var view))
        {
            if (view.Op is Slice slice)
            {
                var part = Operands.Slice(Operand.Contiguous(0, region.Type), slice.Start, slice.Length, slice.Step);
                if (!part.IsContiguous)
                    return null;
                region = region with { Offset = region.Offset + part.Offset * region.Type.DType.Size() };
            }

            region = region with { Type = view.Output.Type };
            if (view.Op is Detach && region.IsWhole)
                view.Settle(new Source(region.Type, region.Values));
        }

        return region;
    }
}
