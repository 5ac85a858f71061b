namespace Singa.Actors.Graph;

/// <summary>
/// An edge of the graph: what one node produces. Lazy and immutable; it has a type before anything is computed. Two tensors are
/// the same only when they are the same object; the passes find equal computations.
/// </summary>
public sealed partial class Tensor
{
    internal Tensor(Node producer, int index, TensorType type)
    {
        Producer = producer;
        Index = index;
        Type = type;
    }

    public Node Producer { get; }

    /// <summary>Which of the producer's outputs this is.</summary>
    public int Index { get; }

    public TensorType Type { get; }

    public DType DType => Type.DType;

    public Shape Shape => Type.Shape;

    /// <summary>
    /// The numbers of a tensor that was made of numbers; of one that is to be computed only its type and op. A debugger asks for text at
    /// every stop: that must not start a computation. <c>Show</c>, in Devices, computes.
    /// </summary>
    public override string ToString() => Producer.Op is Ops.Source source ? TensorText.Of(Type, source.Values) : $"{Type} of {Producer.Op.Name}";
}
