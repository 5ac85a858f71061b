using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// The same value as another tensor. Equal ops on equal tensors are one computation, whose result is kept until its last reader; what is
/// computed from this tensor is another one, so a graph can say that something is to be computed again rather than kept. Costs nothing.
/// </summary>
public sealed record Again(string Purpose) : Op
{
    public override string Name => "Again";

    internal override bool IsView => true;

    public static Tensor Apply(Tensor value, string purpose) => new Node(new Again(purpose), [value]).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [inputs[0]];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => upstream;

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this, inputs, node.Scope).Outputs;

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, lowerer[node.Inputs[0]]);
}
