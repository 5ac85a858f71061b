using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Sums over shards of products, and of what is scattered, are done inside the kernel, where at most log₂ n partial sums are alive, rather than on n whole gradients.
/// </summary>
internal static class ShardSumsIntoProducts
{
    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs) =>
        node.Op is ShardSum sum ? Sum(rewriter, sum, node.Inputs[0], inputs[0], node.Scope) : null;

    private static Tensor? Sum(Rewriter rewriter, ShardSum how, Tensor old, Tensor shards, string scope)
    {
        if (rewriter.Uses(old) > 1)
            return null;
        var node = shards.Producer;
        switch (node.Op)
        {
            case Contract { LeftBatch: [0, ..], RightBatch: [0, ..], OverShards: false } op:
                return rewriter.Make(op with { OverShards = true, Rounded = how.Rounded }, node.Inputs, node.Scope).Output;
            case Convolve { Form: ConvolveForm.FilterGradient, OverShards: false } op:
                return rewriter.Make(op with { OverShards = true, Rounded = how.Rounded }, node.Inputs, node.Scope).Output;
            case ScatterAdd { PerShard: true, OverShards: false } op:
                return rewriter.Make(op with { OverShards = true, Rounded = how.Rounded }, node.Inputs, node.Scope).Output;
            case Transpose { Order: [0, ..] } op when old.Producer.Op is Transpose:
                // The sum does not care in which order the other axes stand.
                var sum = Sum(rewriter, how, old.Producer.Inputs[0], node.Inputs[0], scope) ?? rewriter.Make(how, node.Inputs, scope).Output;
                return rewriter.Make(new Transpose([.. op.Order.Skip(1).Select(a => a - 1)]), [sum], node.Scope).Output;
            default:
                return null;
        }
    }
}
