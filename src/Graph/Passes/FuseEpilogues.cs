using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>A pointwise op that alone reads a product or convolution is applied to each element before it is stored.</summary>
internal static class FuseEpilogues
{
    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs)
    {
        if (node.Op is not Pointwise op)
            return null;
        for (int i = inputs.Length - 1; i >= 0; i--)
        {
            var product = inputs[i].Producer;
            if (product.Op is not (Contract { Body: null, OverShards: false } or Convolve { Body: null, OverShards: false })
                || inputs[i].Shape != node.Output.Shape || inputs[i].DType != node.Output.DType
                || rewriter.Uses(node.Inputs[i]) != 1)
                continue;
            ImmutableArray<int> order = [i, .. Enumerable.Range(0, inputs.Length).Where(j => j != i)];
            var arguments = new Scalar[inputs.Length];
            for (int j = 0; j < order.Length; j++)
                arguments[order[j]] = Scalar.Argument(j, inputs[order[j]].DType);
            var body = ScalarBody.Compile([.. order.Select(j => inputs[j].DType)], ScalarBody.Inline(op.Body, arguments).AsSpan());
            Op fused = product.Op is Contract contract ? contract with { Body = body } : (Convolve)product.Op with { Body = body };
            return rewriter.Make(fused, [product.Inputs[0], product.Inputs[1], .. order.Skip(1).Select(j => inputs[j])], product.Scope).Output;
        }

        return null;
    }
}
