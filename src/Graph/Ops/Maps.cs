using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Several pointwise results over the same points, computed in one pass: what <see cref="Passes.MergeMaps"/> makes of maps that feed one
/// another, at the very end. It is never differentiated.
/// </summary>
public sealed record Maps(string Label, ScalarProgram Body) : Op
{
    public override string Name => Label;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var shape = inputs.Aggregate(Shape.Scalar, (all, input) => Shape.Broadcast(all, input.Shape));
        return [.. Body.Results.Select(r => new TensorType(Body.Instructions[r].Type, shape))];
    }

    internal override bool WritesInto(Node node, Operand window) => true;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var shape = node.Outputs[0].Shape;
        var sources = node.Inputs.Select(i => Operands.Broadcast(lowerer[i], shape)).ToImmutableArray();
        lowerer.EmitMap(node, ScalarBody.Expand(Body), sources);
    }
}
