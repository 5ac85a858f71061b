using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// The same value as another tensor. Equal ops on equal tensors are one computation, whose result is kept until its last reader; what is
/// computed from this tensor is another one, so a graph can say that something is to be computed again rather than kept. Inputs after the
/// first are only waited for: what is computed from this tensor comes after them in a plan, so what led to them is gone by then. Costs nothing.
/// </summary>
public sealed record Again(string Purpose) : Op
{
    public override string Name => "Again";

    internal override bool IsView => true;

    public static Tensor Apply(Tensor value, string purpose, params ImmutableArray<Tensor> after) => new Node(new Again(purpose), [value, .. after]).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [inputs[0]];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0], .. node.Inputs[1..].Select(_ => (Tensor?)null)];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this, sharded[0] ? inputs : [inputs[0].BroadcastTo(inputs[0].Shape.Prepend(shards.Count)), .. inputs[1..]], node.Scope).Outputs;

    internal override Operand? Behind(Node node, Operand view) => view;

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, lowerer[node.Inputs[0]]);
}
