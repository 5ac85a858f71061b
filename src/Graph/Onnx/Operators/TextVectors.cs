using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>From texts (or token numbers) to numbers, on the host.</summary>
internal static class TextVectors
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("TfIdfVectorizer", 9, Frequencies),
        new("RegexFullMatch", 20, Matches),
    ];

    private static OnnxValue Matches(OnnxCall c)
    {
        Regex pattern;
        try
        {
            // Without backtracking no pattern takes longer than its text is long.
            pattern = new Regex($@"\A(?:{c.Text("pattern")})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new OnnxUnsupportedException($"pattern '{c.Text("pattern")}': {e.Message}");
        }

        return new HostTensor(ElementType.Bool, c.Texts(0).Shape, c.Texts(0).Texts.Select(t => (byte)(pattern.IsMatch(t) ? 1 : 0)).ToArray());
    }

    /// <summary>How often each n-gram of a pool occurs, its items up to so many places apart.</summary>
    private static OnnxValue Frequencies(OnnxCall c)
    {
        string[] pool = c.Texts("pool_strings") ?? [.. (c.Ints("pool_int64s") ?? throw new OnnxException("the pool is missing")).Select(n => n.ToString())];
        long[] counts = c.RequiredInts("ngram_counts");
        long[] columns = c.RequiredInts("ngram_indexes");
        int least = checked((int)c.Int("min_gram_length")), most = checked((int)c.Int("max_gram_length")), skips = checked((int)c.Int("max_skip_count"));
        string[] items = c.Value(0) is HostTexts texts ? [.. texts.Texts] : [.. c.Integers(0).Select(n => n.ToString())];
        var shape = c.Shape(0);
        if (shape.Rank > 2 || columns.Length == 0 || columns.Any(i => i is < 0 or > 1 << 24))
            throw new OnnxException($"texts {shape} and columns up to {(columns.Length == 0 ? 0 : columns.Max())}");
        var grams = Pool(pool, counts, columns, least, most);
        int rows = shape.Rank == 2 ? (int)shape[0] : 1, length = rows == 0 ? 0 : items.Length / rows, width = checked((int)columns.Max() + 1);
        var frequencies = new double[Tables.Length((long)rows * width)];
        for (int row = 0; row < rows; row++)
            Count(items.AsSpan(row * length, length), grams, least, most, skips, frequencies.AsSpan(row * width, width));
        var weights = c.Floats("weights");
        string mode = c.Text("mode");
        float[] values = [.. frequencies.Select((f, i) => (float)(mode switch
        {
            "TF" => f,
            "IDF" => f > 0 ? weights?[i % width] ?? 1 : 0,
            "TFIDF" => f * (weights?[i % width] ?? 1),
            _ => throw new OnnxException($"there is no mode '{mode}'"),
        }))];
        return new GraphTensor(ElementType.Float, Constant.Create<float>(values, shape.Rank == 2 ? Shape.Of(rows, width) : Shape.Of(width)));
    }

    /// <summary>Columns by n-grams, of the lengths that are asked for.</summary>
    private static Dictionary<Seq<string>, int> Pool(string[] pool, long[] counts, long[] columns, int least, int most)
    {
        var grams = new Dictionary<Seq<string>, int>();
        int number = 0;
        for (int n = 1; n <= counts.Length; n++)
        {
            long end = n < counts.Length ? counts[n] : pool.Length;
            for (long at = counts[n - 1]; at + n <= end; at += n, number++)
            {
                if (at < 0 || end > pool.Length || number >= columns.Length)
                    throw new OnnxException("pool, ngram_counts and ngram_indexes contradict one another");
                if (n >= least && n <= most)
                    grams[new Seq<string>([.. pool.AsSpan((int)at, n)])] = (int)columns[number];
            }
        }

        return grams;
    }

    private static void Count(ReadOnlySpan<string> row, Dictionary<Seq<string>, int> grams, int least, int most, int skips, Span<double> frequencies)
    {
        for (int distance = 1; distance <= skips + 1; distance++)
        {
            // Single items are the same at every distance and count once.
            for (int n = distance == 1 ? least : Math.Max(least, 2); n <= most; n++)
            {
                for (int at = 0; at + distance * (n - 1) < row.Length; at++)
                {
                    var gram = ImmutableArray.CreateBuilder<string>(n);
                    for (int i = 0; i < n; i++)
                        gram.Add(row[at + i * distance]);
                    if (grams.TryGetValue(new Seq<string>(gram.ToImmutable()), out int column))
                        frequencies[column]++;
                }
            }
        }
    }
}
