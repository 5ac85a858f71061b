using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>Parts of tensors; they are graph like all else, and gradients flow through them.</summary>
public sealed partial class Tensor
{
    /// <summary>
    /// A part of the tensor: <c>x[0]</c>, <c>x[1..3, ^1]</c>, <c>x[.., TensorIndex.NewAxis]</c>, <c>x[TensorIndex.Ellipsis, 0]</c>. A place
    /// drops its axis, a range keeps it; axes that are not named come whole.
    /// </summary>
    /// <exception cref="GraphException">An index is not there; the message says which and what is.</exception>
    public Tensor this[params ReadOnlySpan<TensorIndex> indices]
    {
        get
        {
            var part = TensorPart.Of(Shape, indices);
            return (part.IsWhole ? this : Slice(part.Start, part.Length, part.Step)).Reshape(part.Shape);
        }
    }

    /// <summary>Elements of the first axis by Int32 indices of any shape; see <see cref="Composites.Gather"/>.</summary>
    public Tensor this[Tensor indices] => indices.DType == DType.Int32 ? this.Gather(indices)
        : throw new GraphException($"elements are picked by int32 indices, not by {indices.Type}"
            + (indices.DType == DType.Bool ? ": how many a mask picks is not known before it is computed; Where keeps the shape" : ""));

    /// <summary>
    /// This tensor with other values in a part of it, which indices name as in <c>x[…]</c>; the values broadcast to the part. Of what is
    /// replaced the gradient is 0.
    /// </summary>
    /// <exception cref="GraphException">An index is not there, or the values do not fit.</exception>
    public Tensor With(Tensor values, params ReadOnlySpan<TensorIndex> indices)
    {
        var part = TensorPart.Of(Shape, indices);
        if (values.DType != DType || !values.Shape.BroadcastsTo(part.Shape))
            throw new GraphException($"a part {new TensorType(DType, part.Shape)} of {Type} is not replaced by {values.Type}");
        var placed = values.BroadcastTo(part.Shape).Reshape(Shape.Of([.. part.Length]));
        return part.IsWhole ? placed : Where(InPlace(Ones(placed.Shape, DType.Bool)), InPlace(placed), this);

        Tensor InPlace(Tensor tensor) => tensor.Pad(part.Start, part.After(Shape), [.. part.Step.Select(s => s - 1)]);
    }

    public Tensor With(double value, params ReadOnlySpan<TensorIndex> indices) => With(Like(value), indices);
}
