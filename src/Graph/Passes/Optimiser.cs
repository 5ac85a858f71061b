using System.Collections.Immutable;

namespace Singa.Actors.Graph.Passes;

/// <summary>The passes, in order. Each is a pure function of the graph, and so is what comes out.</summary>
public static class Optimiser
{
    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs)
    {
        outputs = Expansions.Run(outputs);
        outputs = Rewriter.Run(outputs, Simplify.Rule);
        outputs = Rewriter.Run(outputs, HoistReshapes.Rule);
        // Hoisting leaves reshapes of reshapes and new equal nodes behind.
        outputs = Rewriter.Run(outputs, Simplify.Rule);
        outputs = Rewriter.Run(outputs, ShardSumsIntoProducts.Rule);
        outputs = Rewriter.Run(outputs, FusePointwise.Rule);
        outputs = Rewriter.Run(outputs, FuseEpilogues.Rule);
        outputs = MergeMaps.Run(outputs);
        return PackRounded.Run(outputs);
    }
}
