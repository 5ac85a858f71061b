namespace Singa.Actors.Graph;

/// <summary>What indices name of a shape: of each axis where it begins, how many elements and how far apart, and the shape that results.</summary>
internal sealed record TensorPart(Seq<long> Start, Seq<long> Length, Seq<long> Step, Shape Shape, bool IsWhole)
{
    /// <exception cref="GraphException">An index is not there.</exception>
    public static TensorPart Of(Shape shape, ReadOnlySpan<TensorIndex> indices)
    {
        int named = 0, ellipses = 0;
        foreach (var index in indices)
        {
            named += index.Kind is TensorIndex.Kinds.Place or TensorIndex.Kinds.Range ? 1 : 0;
            ellipses += index.Kind == TensorIndex.Kinds.Ellipsis ? 1 : 0;
        }

        if (named > shape.Rank)
            throw new GraphException($"{named} indices for {shape}, which has {shape.Rank} axes");
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
                    Whole(shape.Rank - named);
                    break;
                default:
                    Add(index.On(shape, start.Count), index.Kind == TensorIndex.Kinds.Range);
                    break;
            }
        }

        Whole(shape.Rank - start.Count);
        return new TensorPart([.. start], [.. length], [.. step], Shape.Of([.. dims]), length.SequenceEqual(shape));

        void Whole(int axes)
        {
            for (; axes > 0; axes--)
                Add((0, shape[start.Count], 1), keep: true);
        }

        void Add((long Start, long Length, long Step) axis, bool keep)
        {
            start.Add(axis.Start);
            length.Add(axis.Length);
            step.Add(axis.Step);
            if (keep)
                dims.Add(axis.Length);
        }
    }

    /// <summary>How much of each axis lies behind the part.</summary>
    public Seq<long> After(Shape whole) =>
        [.. whole.Select((dim, a) => dim - (Length[a] == 0 ? Start[a] : Start[a] + (Length[a] - 1) * Step[a] + 1))];
}
