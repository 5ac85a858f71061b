using System.Collections.Immutable;

namespace Singa.Actors.Graph.Onnx;

/// <summary>What a name in an ONNX graph can stand for.</summary>
public abstract record OnnxValue;

/// <summary>A tensor of a graph, with the element type that the model means; see <see cref="ElementTypes"/>.</summary>
public sealed record GraphTensor(ElementType Element, Tensor Tensor) : OnnxValue;

/// <summary>A tensor whose elements are known, in the type that stores them, little-endian and row by row.</summary>
public sealed record HostTensor(ElementType Element, Shape Shape, ReadOnlyMemory<byte> Data) : OnnxValue
{
    public TensorType Type => new(Element.Storage(), Shape);

    /// <summary>A graph's constant with these elements.</summary>
    public Tensor ToConstant() => new Node(new Ops.Constant(Type, [.. Data.Span]), []).Output;

    public override string ToString() => $"{Element.Name()}{Shape}";
}

/// <summary>A tensor of texts. They are never computed with on a device.</summary>
public sealed record HostTexts(Shape Shape, Seq<string> Texts) : OnnxValue;

/// <summary>A list of values of one type.</summary>
public sealed record SequenceValue(ImmutableArray<OnnxValue> Items) : OnnxValue;

/// <summary>A value that may be missing.</summary>
public sealed record OptionalValue(OnnxValue? Value) : OnnxValue;
