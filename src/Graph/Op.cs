using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph;

/// <summary>
/// What a node does. Ops are plain data (records), so equal ops on equal tensors are the same computation. Three questions:
/// what comes out, what is its gradient, which kernels does it become; and one more for shards: what is it along a leading axis of them.
/// </summary>
public abstract record Op
{
    public abstract string Name { get; }

    /// <exception cref="GraphException">The inputs do not fit; the message says what would.</exception>
    public abstract ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs);

    /// <summary>
    /// Gradients with respect to each input, in tensors, given those of the outputs (null: does not reach the loss). Null: no gradient flows.
    /// </summary>
    public virtual ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        throw new GraphException($"{Name} has no gradient");

    /// <summary>
    /// The same computation for every shard of a range at once: inputs marked in <paramref name="sharded"/> have a leading axis of
    /// <paramref name="shards"/>, and so have the results.
    /// </summary>
    public virtual ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        throw new GraphException($"{Name} does not run along shards");

    /// <summary>Whether every shard has results of its own although no input does: random numbers.</summary>
    public virtual bool DiffersByShard => false;

    /// <summary>Whether the results are the input's own memory read in another way.</summary>
    internal virtual bool IsView => false;

    /// <summary>Where a view's input must lie for the view to be that operand, so that who computes the input can write it there; null: nowhere, or no view.</summary>
    internal virtual Operand? Behind(Node node, Operand view) => null;

    /// <summary>Whether the kernels of a result can write it into that part of a larger one.</summary>
    internal virtual bool WritesInto(Node node, Operand window) => false;

    /// <summary>
    /// What an op that is nothing but a shorter word for other ops stands for, once gradients are taken and shards are spread; null for one
    /// with kernels of its own. What comes out may hold further such ops.
    /// </summary>
    internal virtual ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs) => null;

    internal virtual void Lower(Node node, Lowerer lowerer) => throw new InvalidOperationException($"{Name} has neither kernels nor an expansion");

    /// <summary>The one type of an op with a single output.</summary>
    protected static ImmutableArray<TensorType> One(DType type, Shape shape) => [new TensorType(type, shape)];
}
