using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// A pointwise op on a tensor whose outermost axis was just split in two (shards × samples) works as well before the split; then it
/// stands next to the op that made the tensor and can be fused with it. Reshaping is free, so the others are folded to match.
/// </summary>
internal static class HoistReshapes
{
    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs)
    {
        if (node.Op is not Pointwise)
            return null;
        var shape = node.Output.Shape;
        if (shape.Rank < 2 || !inputs.Any(Splits))
            return null;
        var folded = Shape.Of([shape[0] * shape[1], .. shape.Dims[2..]]);
        var sources = ImmutableArray.CreateBuilder<Tensor>(inputs.Length);
        foreach (var input in inputs)
        {
            if (Splits(input))
                sources.Add(input.Producer.Inputs[0]);
            else if (input.Shape.Rank <= shape.Rank - 2)
                sources.Add(input);
            else if (input.Shape.Rank == shape.Rank && ((input.Shape[0] == shape[0] && input.Shape[1] == shape[1]) || (input.Shape[0] == 1 && input.Shape[1] == 1)))
                sources.Add(rewriter.Make(new Reshape(Shape.Of([input.Shape[0] * input.Shape[1], .. input.Shape.Dims[2..]])), [input], node.Scope).Output);
            else if (input.Shape.Rank == shape.Rank - 1 && input.Shape[0] == 1)
                sources.Add(input);
            else
                return null;
        }

        var result = rewriter.Make(node.Op, sources.ToImmutable(), node.Scope).Output;
        return result.Shape == folded ? rewriter.Make(new Reshape(shape), [result], node.Scope).Output : null;

        bool Splits(Tensor tensor) => tensor.Producer.Op is Reshape && tensor.Shape.Rank == shape.Rank
            && tensor.Shape[0] == shape[0] && tensor.Shape[1] == shape[1] && SplitsOutermost(tensor.Producer.Inputs[0].Shape, tensor.Shape);
    }

    /// <summary>Whether the shapes differ only in that the outermost axis of the first is the outermost two of the second.</summary>
    public static bool SplitsOutermost(Shape before, Shape after) => before.Rank >= 1 && after.Rank == before.Rank + 1
        && before[0] == after[0] * after[1] && before.Dims[1..].SequenceEqual(after.Dims[2..]);
}
