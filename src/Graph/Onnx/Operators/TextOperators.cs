using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Tensors of texts, computed on the host while the graph is built.</summary>
internal static class TextOperators
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("StringConcat", 20, c => Zip(c.Texts(0), c.Texts(1), (a, b) => a + b)),
        new("StringSplit", 20, Split),
        new("StringNormalizer", 10, Normalise),
    ];

    private static HostTexts Zip(HostTexts a, HostTexts b, Func<string, string, string> join)
    {
        var shape = Shape.Broadcast(a.Shape, b.Shape);
        return new HostTexts(shape, Places(shape).Select(p => join(At(a, p), At(b, p))).ToSeq());
    }

    private static IEnumerable<long[]> Places(Shape shape)
    {
        var strides = shape.ContiguousStrides();
        for (long i = 0; i < shape.Count; i++)
            yield return [.. strides.Select((s, a) => i / s % shape[a])];
    }

    private static string At(HostTexts texts, long[] place) => texts.Texts[(int)Offset(texts.Shape, place)];

    private static long Offset(Shape shape, long[] place)
    {
        var strides = shape.ContiguousStrides();
        return Enumerable.Range(0, shape.Rank).Sum(a => shape[a] == 1 ? 0 : strides[a] * place[place.Length - shape.Rank + a]);
    }

    internal static OnnxValue Equal(OnnxCall c)
    {
        HostTexts a = c.Texts(0), b = c.Texts(1);
        var shape = Shape.Broadcast(a.Shape, b.Shape);
        return new HostTensor(ElementType.Bool, shape, Places(shape).Select(p => (byte)(At(a, p) == At(b, p) ? 1 : 0)).ToArray());
    }

    internal static OnnxValue Where(OnnxCall c)
    {
        HostTexts a = c.Texts(1), b = c.Texts(2);
        var condition = c.Known(0);
        var shape = Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape));
        return new HostTexts(shape, Places(shape).Select(p => condition.Data.Span[(int)Offset(condition.Shape, p)] != 0 ? At(a, p) : At(b, p)).ToSeq());
    }

    internal static OnnxValue Gather(OnnxCall c, HostTexts texts)
    {
        int axis = OnnxCall.Axis(c.Int("axis", 0), texts.Shape.Rank);
        var numbers = c.Known(1);
        var values = OnnxCall.Integers(numbers).Select(n => n < 0 ? n + texts.Shape[axis] : n).ToArray();
        if (values.Any(n => n < 0 || n >= texts.Shape[axis]))
            throw new OnnxException($"an index outside of {texts.Shape}");
        var shape = Shape.Of([.. texts.Shape.Take(axis), .. numbers.Shape, .. texts.Shape.Skip(axis + 1)]);
        return new HostTexts(shape, Places(shape).Select(p => At(texts,
            [.. p.Take(axis), values[Offset(numbers.Shape, [.. p.Skip(axis).Take(numbers.Shape.Rank)])], .. p.Skip(axis + numbers.Shape.Rank)])).ToSeq());
    }

    private static ImmutableArray<OnnxValue?> Split(OnnxCall c)
    {
        var texts = c.Texts(0);
        string delimiter = c.Text("delimiter", "");
        long most = c.Int("maxsplit", -1);
        string[][] parts = [.. texts.Texts.Select(t => Parts(t, delimiter, most))];
        int width = parts.Length == 0 ? 0 : parts.Max(p => p.Length);
        return
        [
            new HostTexts(texts.Shape.Append(width), parts.SelectMany(p => p.Concat(Enumerable.Repeat("", width - p.Length))).ToSeq()),
            OnnxCall.Host(ElementType.Int64, texts.Shape, [.. parts.Select(p => (long)p.Length)]),
        ];
    }

    private static string[] Parts(string text, string delimiter, long most)
    {
        if (text.Length == 0)
            return [];
        int count = most < 0 || most >= int.MaxValue ? int.MaxValue : (int)most + 1;
        return delimiter.Length > 0 ? text.Split(delimiter, count)
            : text.Split((char[]?)null, count, StringSplitOptions.RemoveEmptyEntries) is var parts && most >= 0 && parts.Length > 0 ? [.. parts[..^1], parts[^1].TrimStart()] : text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    private static OnnxValue Normalise(OnnxCall c)
    {
        var texts = c.Texts(0);
        if (texts.Shape.Rank is < 1 or > 2 || (texts.Shape.Rank == 2 && texts.Shape[0] != 1))
            throw new OnnxException($"texts [c] or [1, c] are needed, not {texts.Shape}");
        bool exact = c.Flag("is_case_sensitive");
        var stop = (c.Texts("stopwords") ?? []).ToHashSet(exact ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        string[] kept = [.. texts.Texts.Where(t => !stop.Contains(t)).Select(t => c.Text("case_change_action", "NONE") switch
        {
            "LOWER" => t.ToLowerInvariant(),
            "UPPER" => t.ToUpperInvariant(),
            _ => t,
        })];
        if (kept.Length == 0)
            kept = [""];
        return new HostTexts(texts.Shape.Rank == 1 ? Shape.Of(kept.Length) : Shape.Of(1, kept.Length), [.. kept]);
    }
}
