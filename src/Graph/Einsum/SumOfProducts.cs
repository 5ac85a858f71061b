using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>
/// Multiplies tensors along axes with equal labels and sums the labels that the result does not have, two tensors at a time: those whose
/// product is smallest first, a pure function of shapes. What is summed of both is one <see cref="Contract"/>.
/// </summary>
internal static class SumOfProducts
{
    /// <summary>A tensor with a label for each axis.</summary>
    private sealed record Term(Tensor Tensor, ImmutableArray<int> Labels)
    {
        public int Axis(int label) => Labels.IndexOf(label);

        public long Size(int label) => Axis(label) is >= 0 and var axis ? Tensor.Shape[axis] : 1;
    }

    /// <param name="what">Who asks, for messages.</param>
    /// <exception cref="GraphException">Axes with one label have different lengths, or types differ.</exception>
    public static Tensor Of(string what, IReadOnlyList<Tensor> operands, ImmutableArray<ImmutableArray<int>> labels, ImmutableArray<int> result)
    {
        if (operands.FirstOrDefault(o => o.DType != operands[0].DType) is { } other)
            throw new GraphException($"{what}: operands are of one type, not {operands[0].Type} and {other.Type}; convert one of them");
        var sizes = Sizes(what, operands, labels);
        var terms = operands.Select((tensor, i) => Plain(what, new Term(tensor, labels[i]), sizes)).ToList();
        while (terms.Count > 1)
        {
            var (first, second) = Cheapest(terms, result);
            var (a, b) = (terms[first], terms[second]);
            terms.RemoveAt(second);
            terms.RemoveAt(first);
            terms.Insert(first, Multiply(a, b, Kept(terms, result)));
        }

        var last = SumOut(terms[0], [.. result]);
        var order = result.Where(last.Labels.Contains).Select(last.Axis).ToArray();
        var ordered = order.SequenceEqual(Enumerable.Range(0, order.Length)) ? last.Tensor : last.Tensor.Transpose(order);
        // A label of the result that came with length 1 only.
        return ordered.Reshape(Shape.Of([.. result.Select(l => sizes[l])]));
    }

    public static Tensor MatMul(Tensor left, Tensor right)
    {
        const int row = 1, inner = 2, column = 3;
        ImmutableArray<int> Labels(Tensor t, int outer, bool isLeft) => t.Shape.Rank == 1 ? [inner]
            : [.. Batch(t.Shape.Rank - 2), .. isLeft ? new[] { outer, inner } : [inner, outer]];
        IEnumerable<int> Batch(int count) => Enumerable.Range(0, count).Select(i => i - count);
        int batch = Math.Max(0, Math.Max(left.Shape.Rank, right.Shape.Rank) - 2);
        return Of($"a matrix product of {left.Shape} and {right.Shape}", [left, right], [Labels(left, row, true), Labels(right, column, false)],
            [.. Batch(batch), .. left.Shape.Rank > 1 ? new[] { row } : [], .. right.Shape.Rank > 1 ? new[] { column } : []]);
    }

    public static Tensor OverPairs(Tensor left, Tensor right, ReadOnlySpan<int> leftAxes, ReadOnlySpan<int> rightAxes)
    {
        int[] first = Axes(left, leftAxes), second = Axes(right, rightAxes);
        string what = $"a product of {left.Shape} over axes [{string.Join(", ", first)}] and {right.Shape} over [{string.Join(", ", second)}]";
        if (first.Length != second.Length || first.Distinct().Count() != first.Length || second.Distinct().Count() != second.Length)
            throw new GraphException($"{what}: axes go in pairs, each once");
        for (int i = 0; i < first.Length; i++)
        {
            if (left.Shape[first[i]] != right.Shape[second[i]])
                throw new GraphException($"{what}: {left.Shape[first[i]]} elements do not fit {right.Shape[second[i]]}");
        }

        int[] ofRight = [.. Enumerable.Range(0, right.Shape.Rank).Select(a => Array.IndexOf(second, a) is >= 0 and var pair ? first[pair] : left.Shape.Rank + a)];
        int[] ofLeft = [.. Enumerable.Range(0, left.Shape.Rank)];
        return Of(what, [left, right], [[.. ofLeft], [.. ofRight]], [.. ofLeft.Except(first), .. ofRight.Except(first)]);

        static int[] Axes(Tensor tensor, ReadOnlySpan<int> axes) => [.. axes.ToArray().Select(tensor.Axis)];
    }

    private static Dictionary<int, long> Sizes(string what, IReadOnlyList<Tensor> operands, ImmutableArray<ImmutableArray<int>> labels)
    {
        var sizes = new Dictionary<int, long>();
        for (int i = 0; i < operands.Count; i++)
        {
            for (int axis = 0; axis < labels[i].Length; axis++)
            {
                int label = labels[i][axis];
                long size = operands[i].Shape[axis], known = sizes.GetValueOrDefault(label, 1);
                if (size != known && size != 1 && known != 1)
                    throw new GraphException($"{what}: axis {axis} of operand {i} {operands[i].Shape}{(label >= 'A' ? $", '{(char)label}'," : "")} has {size} elements where another has {known}");
                sizes[label] = size == 1 ? known : size;
            }
        }

        return sizes;
    }

    /// <summary>Without repeated labels, and without axes of length 1 that others stretch.</summary>
    private static Term Plain(string what, Term term, Dictionary<int, long> sizes)
    {
        while (term.Labels.GroupBy(l => l).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            int a = term.Labels.IndexOf(twice.Key), b = term.Labels.LastIndexOf(twice.Key);
            if (term.Tensor.Shape[a] != term.Tensor.Shape[b])
                throw new GraphException($"{what}: axes {a} and {b} of {term.Tensor.Shape} have one label and different lengths");
            term = new Term(term.Tensor.Diagonal(a, b), [.. term.Labels.RemoveAt(b).RemoveAt(a), twice.Key]);
        }

        var stretched = term.Labels.Where((l, axis) => term.Tensor.Shape[axis] == 1 && sizes[l] != 1).ToArray();
        ImmutableArray<int> kept = [.. term.Labels.Except(stretched)];
        return stretched.Length == 0 ? term : new Term(term.Tensor.Reshape(Shape.Of([.. kept.Select(term.Size)])), kept);
    }

    private static HashSet<int> Kept(IEnumerable<Term> others, ImmutableArray<int> result) => [.. others.SelectMany(t => t.Labels), .. result];

    private static (int First, int Second) Cheapest(List<Term> terms, ImmutableArray<int> result)
    {
        var best = (First: 0, Second: 1);
        double least = double.PositiveInfinity;
        for (int first = 0; terms.Count > 2 && first < terms.Count; first++)
        {
            for (int second = first + 1; second < terms.Count; second++)
            {
                var (a, b) = (terms[first], terms[second]);
                var kept = Kept(terms.Where(t => t != a && t != b), result);
                double size = a.Labels.Union(b.Labels).Where(kept.Contains).Aggregate(1.0, (n, l) => n * Math.Max(a.Size(l), b.Size(l)));
                if (size < least)
                    (best, least) = ((first, second), size);
            }
        }

        return best;
    }

    private static Term SumOut(Term term, HashSet<int> kept)
    {
        int[] axes = [.. Enumerable.Range(0, term.Labels.Length).Where(a => !kept.Contains(term.Labels[a]))];
        return axes.Length == 0 ? term : new Term(term.Tensor.Sum(axes), [.. term.Labels.Where(kept.Contains)]);
    }

    private static Term Multiply(Term a, Term b, HashSet<int> kept)
    {
        a = SumOut(a, [.. kept, .. b.Labels]);
        b = SumOut(b, [.. kept, .. a.Labels]);
        int[] shared = [.. a.Labels.Intersect(b.Labels)], batch = [.. shared.Where(kept.Contains)], summed = [.. shared.Except(batch)];
        ImmutableArray<int> labels = [.. batch, .. a.Labels.Except(shared), .. b.Labels.Except(shared)];
        if (summed.Length > 0 && a.Tensor.DType.IsFloat())
        {
            var contract = new Contract([.. batch.Select(a.Axis)], [.. batch.Select(b.Axis)], [.. summed.Select(a.Axis)], [.. summed.Select(b.Axis)]);
            return new Term(new Node(contract, [a.Tensor, b.Tensor]).Output, labels);
        }

        ImmutableArray<int> all = [.. labels, .. summed];
        return SumOut(new Term(Aligned(a, all) * Aligned(b, all), all), [.. labels]);
    }

    private static Tensor Aligned(Term term, ImmutableArray<int> labels)
    {
        int[] order = [.. labels.Where(term.Labels.Contains).Select(term.Axis)];
        var ordered = order.SequenceEqual(Enumerable.Range(0, order.Length)) ? term.Tensor : term.Tensor.Transpose(order);
        return ordered.Reshape(Shape.Of([.. labels.Select(term.Size)]));
    }
}
