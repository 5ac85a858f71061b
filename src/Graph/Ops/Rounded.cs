using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// The nearest values that <see cref="BFloat16"/> holds, still numbers of Float32: everybody who reads them sees the same, so memory may hold
/// half of them. <see cref="Passes.PackRounded"/> says where that is. Gradients pass through as they are.
/// </summary>
public sealed record Rounded : Op
{
    public override string Name => "Rounded";

    public static Tensor Apply(Tensor value) => new Node(new Rounded(), [value], value.Producer.Scope).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => inputs[0].DType == DType.Float32
        ? [inputs[0]] : throw new GraphException($"float32 is rounded to half of it, not {inputs[0]}");

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => upstream;

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this, inputs, node.Scope).Outputs;
}
