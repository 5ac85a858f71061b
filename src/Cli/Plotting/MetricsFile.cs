using System.Text.Json;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli.Plotting;

/// <summary>
/// Reads what <c>--metrics</c> writes, and whatever else is one JSON object a line: keys it does not know are left alone, missing ones and
/// values that are no numbers are gaps. A step that is there twice (training was resumed before it) counts as it was last.
/// </summary>
internal static class MetricsFile
{
    private const char Joint = '_';

    private static readonly string[] HeldBack = ["test", "eval", "evaluation", "val", "valid", "validation"];
    private static readonly string[] Trained = ["train", "training"];

    /// <param name="run">What the curves are called.</param>
    /// <exception cref="JobRefusedException">There is no such file, it holds no metrics, or a line is no object; names the line.</exception>
    public static IReadOnlyList<Curve> Read(string path, string run)
    {
        var figures = new SortedDictionary<(Figure, bool), SortedDictionary<double, double>>();
        long number = 0, count = 0;
        try
        {
            using var lines = File.ReadLines(path).GetEnumerator();
            for (bool more = lines.MoveNext(); more;)
            {
                string line = lines.Current;
                number++;
                more = lines.MoveNext();
                if (line.AsSpan().Trim().IsEmpty || Parse(line, isLast: !more, path, number) is not { } values)
                    continue;
                double step = values.TryGetValue("step", out double at) ? at : count;
                count++;
                foreach (var (key, value) in values)
                {
                    if (Meaning(key) is not { } meaning)
                        continue;
                    if (!figures.TryGetValue(meaning, out var points))
                        figures.Add(meaning, points = []);
                    points[step] = value;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new JobRefusedException(File.Exists(path) ? $"{path} cannot be read: {exception.Message}" : $"there is no metrics file {path}", exception);
        }

        return figures.Count > 0
            ? [.. figures.Select(f => new Curve(run, f.Key.Item1, f.Key.Item2, [.. f.Value.Keys], [.. f.Value.Values]))]
            : throw new JobRefusedException($"{path} holds no loss, accuracy or perplexity; singa train --metrics writes files that do");
    }

    /// <summary>The finite numbers of a line, those of objects within under <c>outer_inner</c>; null for a last line that was cut off.</summary>
    private static Dictionary<string, double>? Parse(string line, bool isLast, string path, long number)
    {
        var values = new Dictionary<string, double>();
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new JobRefusedException($"{path}, line {number} is no JSON object: metrics are one object a line");
            Collect(document.RootElement, "");
            return values;
        }
        catch (JsonException exception)
        {
            // Whoever is training still, or was killed, leaves half a line.
            return isLast && number > 1 ? null : throw new JobRefusedException($"{path}, line {number} is no JSON object: metrics are one object a line", exception);
        }

        void Collect(JsonElement element, string prefix)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Object)
                    Collect(property.Value, prefix + property.Name + Joint);
                else if (property.Value.ValueKind == JsonValueKind.Number && property.Value.GetDouble() is var value && double.IsFinite(value))
                    values[prefix + property.Name] = value;
            }
        }
    }

    private static (Figure, bool)? Meaning(string key)
    {
        var words = key.ToLowerInvariant().Split(Joint, '-', '.', ' ', '/');
        Figure? figure = words[^1] switch
        {
            "loss" => Figure.Loss,
            "accuracy" => Figure.Accuracy,
            "perplexity" => Figure.Perplexity,
            _ => null,
        };
        return figure is not { } known || words[..^1] is not ([] or [_]) ? null
            : words.Length == 1 || Trained.Contains(words[0]) ? (known, false)
            : HeldBack.Contains(words[0]) ? (known, true)
            : null;
    }
}
