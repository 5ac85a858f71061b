using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>The sum over the leading axis along <see cref="ShardTree"/>: how gradients of shards become one.</summary>
/// <param name="Rounded">Each shard's value and each sum along the tree is rounded to the nearest <see cref="BFloat16"/>, as others will get it.</param>
public sealed record ShardSum(bool Rounded = false) : Op
{
    public override string Name => "ShardSum";

    public static Tensor Apply(Tensor shards) => Apply(shards, rounded: false);

    public static Tensor Apply(Tensor shards, bool rounded) => new Node(new ShardSum(rounded), [shards]).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => One(inputs[0].DType, inputs[0].Shape.RemoveAt(0));

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var source = lowerer.Contiguous(node, node.Inputs[0]);
        var target = lowerer.Target(node.Output);
        lowerer.Emit(node, new ShardSumKernel(source, [new ShardRange(0, (int)source.Shape[0])],
            target with { Shape = target.Shape.Prepend(1), Strides = [target.Shape.Count, .. target.Strides] }, Rounded));
    }
}
