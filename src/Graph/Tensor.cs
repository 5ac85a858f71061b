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

    public override string ToString() => $"{Producer.Op.Name}: {Type}";
}
