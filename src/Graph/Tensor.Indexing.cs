namespace Singa.Actors.Graph;

public sealed partial class Tensor
{
    /// <summary>
    /// A part of the tensor: <c>x[0]</c>, <c>x[1..3, ^1]</c>, <c>x[.., TensorIndex.NewAxis]</c>, <c>x[TensorIndex.Ellipsis, 0]</c>. A place
    /// drops its axis, a range keeps it; axes that are not named come whole. It is graph like all else: gradients flow through it.
    /// </summary>
    /// <exception cref="GraphException">An index is not there; the message says which and what is.</exception>
    public Tensor this[params ReadOnlySpan<TensorIndex> indices]
    {
        get
        {
            int named = 0, ellipses = 0;
            foreach (var index in indices)
            {
                named += index.Kind is TensorIndex.Kinds.Place or TensorIndex.Kinds.Range ? 1 : 0;
                ellipses += index.Kind == TensorIndex.Kinds.Ellipsis ? 1 : 0;
            }

            if (named > Shape.Rank)
                throw new GraphException($"{named} indices for {Shape}, which has {Shape.Rank} axes");
            if (ellipses > 1)
                throw new GraphException("two ellipses: which axes each of them stands for nobody could say");
            List<long> start = [], length = [], step = [], dims = [];
            foreach (var index in indices)
            {
                switch (index.Kind)
                {
                    case TensorIndex.Kinds.NewAxis:
                        dims.Add(1);
                        break;
                    case TensorIndex.Kinds.Ellipsis:
                        Whole(Shape.Rank - named);
                        break;
                    default:
                        var (from, count, by) = index.On(Shape, start.Count);
                        (start, length, step) = ([.. start, from], [.. length, count], [.. step, by]);
                        if (index.Kind == TensorIndex.Kinds.Range)
                            dims.Add(count);
                        break;
                }
            }

            Whole(Shape.Rank - start.Count);
            var part = length.SequenceEqual(Shape) ? this : Slice([.. start], [.. length], [.. step]);
            return part.Reshape(Shape.Of([.. dims]));

            void Whole(int axes)
            {
                for (; axes > 0; axes--)
                {
                    dims.Add(Shape[start.Count]);
                    length.Add(Shape[start.Count]);
                    start.Add(0);
                    step.Add(1);
                }
            }
        }
    }

    /// <summary>Elements of the first axis by Int32 indices of any shape; see <see cref="Composites.Gather"/>.</summary>
    public Tensor this[Tensor indices] => indices.DType == DType.Int32 ? this.Gather(indices)
        : throw new GraphException($"elements are picked by int32 indices, not by {indices.Type}"
            + (indices.DType == DType.Bool ? ": how many a mask picks is not known before it is computed; Where keeps the shape" : ""));
}
