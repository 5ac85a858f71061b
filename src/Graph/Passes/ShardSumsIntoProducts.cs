using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Sums over shards of products, and of what is scattered, are done inside the kernel, where at most log₂ n partial sums are alive, rather than on n whole gradients.
/// </summary>
internal static class ShardSumsIntoProducts
{
    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs)
    {
        if (node.Op is not ShardSum || rewriter.Uses(node.Inputs[0]) > 1)
            return null;
        var product = inputs[0].Producer;
        return product.Op switch
        {
            Contract { LeftBatch: [0, ..], RightBatch: [0, ..], OverShards: false } op => rewriter.Make(op with { OverShards = true }, product.Inputs, product.Scope).Output,
            Convolve { Form: ConvolveForm.FilterGradient, OverShards: false } op => rewriter.Make(op with { OverShards = true }, product.Inputs, product.Scope).Output,
            ScatterAdd { PerShard: true, OverShards: false } op => rewriter.Make(op with { OverShards = true }, product.Inputs, product.Scope).Output,
            _ => null,
        };
    }
}
