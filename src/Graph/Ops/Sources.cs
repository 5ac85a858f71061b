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

    internal override void Lower(Node node, Lowerer lowerer) =>
        lowerer.Emit(node, new MapKernel(ScalarBody.Compile([], Scalar.Literal(Value, Type.DType)), [], [lowerer.Target(node.Output)]));
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

/// <summary>Random words (Int32) by counter: see <see cref="RandomKernel"/>. A step, where given, makes them fresh each step.</summary>
public sealed record RandomBits(ulong Key, uint Stream, Shape Shape) : Op
{
    public override string Name => "Random";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => One(DType.Int32, Shape);

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [.. node.Inputs.Select(_ => (Tensor?)null)];

    /// <summary>Uniform in [0, 1) with 24 bits, in either floating type.</summary>
    public static Tensor Uniform(ulong key, uint stream, DType type, Shape shape)
    {
        var bits = new Node(new RandomBits(key, stream, shape), []).Output;
        return Pointwise.Apply("Uniform", a => Fn.Convert((a[0] >> 8) & (double)0xFFFFFF, type) * (1.0 / (1 << 24)), bits);
    }

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Emit(node, new RandomKernel(
        Key, Stream, node.Inputs.Length == 0 ? null : lowerer[node.Inputs[0]], lowerer.Target(node.Output)));
}
