using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>What comes from outside the graph, known by its name: a parameter, a batch, a step's scalar.</summary>
public sealed record Placeholder(string Label, TensorType Type, BlockKind Kind) : Op
{
    public override string Name => Label;

    public static Tensor Create(string label, TensorType type, BlockKind kind) => new Node(new Placeholder(label, type, kind), [], label).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [Type];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [];

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Bind(node.Output, this);
}

/// <summary>One value everywhere.</summary>
public sealed record Fill(TensorType Type, double Value) : Op
{
    public override string Name => "Fill";

    public static Tensor Create(DType type, Shape shape, double value) => new Node(new Fill(new TensorType(type, shape), value), []).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [Type];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [];

    internal override bool WritesInto(Node node, Operand window) => true;

    internal override void Lower(Node node, Lowerer lowerer) =>
        lowerer.EmitMap(node, ScalarBody.Compile([], Scalar.Literal(Value, Type.DType)), []);
}

/// <summary>Values known when the graph is built, row-major and little-endian.</summary>
public sealed record Constant(TensorType Type, Seq<byte> Data) : Op
{
    public override string Name => "Constant";

    public static Tensor Create<T>(ReadOnlySpan<T> values, Shape shape) where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new GraphException($"{values.Length} values do not fill a tensor of shape {shape}");
        return new Node(new Constant(new TensorType(DTypes.Of<T>(), shape), Seq.Create(MemoryMarshal.AsBytes(values))), []).Output;
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [Type];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [];

    internal override void Lower(Node node, Lowerer lowerer) => lowerer[node.Output] = lowerer.Constant(Type, Data.Items);
}

/// <summary>
/// Values that a program brings along, or that were computed before. Equal only to itself: their numbers are nobody's structure, so an
/// expression on other numbers is the same plan.
/// </summary>
public sealed record Source(TensorType Type, TensorValues Values) : Op
{
    public override string Name => "Source";

    public static Tensor Create(TensorType type, TensorValues values) => type.Bytes == values.Bytes
        ? new Node(new Source(type, values), []).Output
        : throw new GraphException($"{values.Bytes / type.DType.Size()} values do not fill a tensor of shape {type.Shape}");

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [Type];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [];

    /// <summary>In a job's plan the values are a constant like any other.</summary>
    internal override void Lower(Node node, Lowerer lowerer)
    {
        if (Type.Bytes > Array.MaxLength)
            throw new GraphException($"{Type} has {Type.Bytes} bytes and is too large for a constant of a job: make it a parameter or data");
        var bytes = new byte[Type.Bytes];
        Values.CopyTo(0, bytes);
        lowerer[node.Output] = lowerer.Constant(Type, ImmutableCollectionsMarshal.AsImmutableArray(bytes));
    }
}

/// <summary>
/// Random words (Int32) by counter: see <see cref="RandomKernel"/>. With the step's number as input they are fresh each step; with
/// <c>PerShard</c> each shard draws its own, keyed by its number, so that they do not depend on who computes it.
/// </summary>
public sealed record RandomBits(ulong Key, uint Stream, Shape Shape, bool PerShard = false) : Op
{
    public override string Name => "Random";

    public override bool DiffersByShard => PerShard;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => One(DType.Int32, Shape);

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [.. node.Inputs.Select(_ => (Tensor?)null)];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(new RandomBits(Key, (uint)shards.First, Shape.Prepend(shards.Count), true), inputs, node.Scope).Outputs;

    /// <summary>Uniform in [0, 1) with 24 bits, in either floating type.</summary>
    public static Tensor Uniform(ulong key, uint stream, DType type, Shape shape) => ToUniform(new Node(new RandomBits(key, stream, shape), []).Output, type);

    /// <summary>Uniform in [0, 1), others for each step and each shard.</summary>
    public static Tensor UniformPerShard(ulong key, Tensor step, DType type, Shape shape) =>
        ToUniform(new Node(new RandomBits(key, 0, shape, true), [step]).Output, type);

    private static Tensor ToUniform(Tensor bits, DType type) =>
        Pointwise.Apply("Uniform", a => Fn.Convert((a[0] >> 8) & (double)0xFFFFFF, type) * (1.0 / (1 << 24)), bits);

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var step = node.Inputs.Length == 0 ? null : lowerer[node.Inputs[0]];
        var target = lowerer.Target(node.Output);
        if (!PerShard)
        {
            lowerer.Emit(node, new RandomKernel(Key, Stream, step, target));
            return;
        }

        for (int shard = 0; shard < Shape[0]; shard++)
            lowerer.Emit(node, new RandomKernel(Key, Stream + (uint)shard, step, Operands.Row(target, shard)));
    }
}
