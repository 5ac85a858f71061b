using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Sums of products over axes that are named by letters; <c>...</c> stands for axes that broadcast.</summary>
internal static class Einsum
{
    private const char FirstOfEllipsis = '\u2460';

    public static Tensor Apply(string equation, IReadOnlyList<Tensor> inputs)
    {
        string[] sides = equation.Replace(" ", "").Split("->");
        string[] terms = sides[0].Split(',');
        if (sides.Length > 2 || terms.Length != inputs.Count)
            throw new OnnxException($"'{equation}' is not for {inputs.Count} inputs");
        int dots = terms.Select((t, i) => t.Contains("...") ? inputs[i].Shape.Rank - (t.Length - 3) : 0).Max();
        var labelled = terms.Select((t, i) => Diagonal(inputs[i], Expanded(t, inputs[i].Shape.Rank))).ToArray();
        string ellipsis = new([.. Enumerable.Range(0, dots).Select(i => (char)(FirstOfEllipsis + i))]);
        string all = string.Concat(terms.Select((t, i) => Expanded(t, inputs[i].Shape.Rank)));
        string result = sides.Length == 2 ? sides[1].Replace("...", ellipsis)
            : ellipsis + string.Concat(all.Where(l => l < FirstOfEllipsis).Distinct().Where(l => all.Count(o => o == l) == 1).Order());
        if (result.Distinct().Count() != result.Length || result.Any(l => !all.Contains(l)))
            throw new OnnxException($"'{equation}' has a result that its inputs do not name");
        var (tensor, labels) = labelled[0];
        for (int i = 1; i < labelled.Length; i++)
        {
            string later = string.Concat(labelled.Skip(i + 1).Select(l => l.Labels)) + result;
            (tensor, labels) = Join((tensor, labels), labelled[i], later);
        }

        int[] gone = [.. labels.Select((l, axis) => (l, axis)).Where(p => !result.Contains(p.l)).Select(p => p.axis)];
        tensor = tensor.Sum(gone);
        labels = string.Concat(labels.Where(l => result.Contains(l)));
        return tensor.Transpose([.. result.Select(l => labels.IndexOf(l))]);

        string Expanded(string term, int rank)
        {
            int own = rank - (term.Length - 3);
            string full = term.Contains("...") ? term.Replace("...", new string([.. Enumerable.Range(dots - own, Math.Max(0, own)).Select(i => (char)(FirstOfEllipsis + i))])) : term;
            return full.Length == rank ? full : throw new OnnxException($"'{term}' does not name the axes of a tensor of {rank}");
        }
    }

    /// <summary>An axis named twice is a diagonal.</summary>
    private static (Tensor Tensor, string Labels) Diagonal(Tensor x, string labels)
    {
        for (int second = labels.Length - 1; second > 0; second--)
        {
            int first = labels.IndexOf(labels[second]);
            if (first == second)
                continue;
            long size = x.Shape[first];
            if (size != x.Shape[second])
                throw new OnnxException($"axes named '{labels[second]}' differ, {size} and {x.Shape[second]}");
            int[] order = [first, second, .. Enumerable.Range(0, labels.Length).Where(a => a != first && a != second)];
            var rest = Shape.Of([.. order[2..].Select(a => x.Shape[a])]);
            var rows = x.Transpose(order).Reshape(rest.Prepend(size * size));
            x = rows.Slice([0, .. rest.Select(_ => 0L)], [size, .. rest], [size + 1, .. rest.Select(_ => 1L)]);
            labels = labels[first] + string.Concat(order[2..].Select(a => labels[a]));
            second = labels.Length;
        }

        return (x, labels);
    }

    /// <summary>One product: labels of both that are needed later are its batch, others of both are summed.</summary>
    private static (Tensor, string) Join((Tensor Tensor, string Labels) a, (Tensor Tensor, string Labels) b, string later)
    {
        a = SumAlone(a, b.Labels + later);
        b = SumAlone(b, a.Labels + later);
        string both = string.Concat(a.Labels.Where(l => b.Labels.Contains(l)));
        foreach (char label in both)
        {
            a = Stretched(a, label, b.Tensor.Shape[b.Labels.IndexOf(label)]);
            b = Stretched(b, label, a.Tensor.Shape[a.Labels.IndexOf(label)]);
        }

        string batch = string.Concat(both.Where(l => later.Contains(l))), sum = string.Concat(both.Where(l => !later.Contains(l)));
        string leftFree = string.Concat(a.Labels.Where(l => !both.Contains(l))), rightFree = string.Concat(b.Labels.Where(l => !both.Contains(l)));
        Seq<int> Axes(string labels, string which) => which.Select(l => labels.IndexOf(l)).ToSeq();
        var type = a.Tensor.DType;
        var (left, right) = type.IsFloat() ? (a.Tensor, b.Tensor) : (a.Tensor.Convert(DType.Float64), b.Tensor.Convert(DType.Float64));
        var product = new Node(new Contract(Axes(a.Labels, batch), Axes(b.Labels, batch), Axes(a.Labels, sum), Axes(b.Labels, sum)), [left, right]).Output;
        return (product.Convert(type), batch + leftFree + rightFree);
    }

    private static (Tensor, string) SumAlone((Tensor Tensor, string Labels) x, string others)
    {
        int[] alone = [.. x.Labels.Select((l, axis) => (l, axis)).Where(p => !others.Contains(p.l)).Select(p => p.axis)];
        return (x.Tensor.Sum(alone), string.Concat(x.Labels.Where(l => others.Contains(l))));
    }

    private static (Tensor, string) Stretched((Tensor Tensor, string Labels) x, char label, long size)
    {
        int axis = x.Labels.IndexOf(label);
        return x.Tensor.Shape[axis] == 1 && size != 1 ? (x.Tensor.BroadcastTo(x.Tensor.Shape.With(axis, size)), x.Labels) : x;
    }
}
