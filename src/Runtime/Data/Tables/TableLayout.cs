using System.Globalization;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>What the columns of a file are: their names, which is predicted, and which are numbers.</summary>
/// <param name="HasHeader">Whether the first row has the names.</param>
/// <param name="IsNumeric">Of each column; of the label, whether a number is to be predicted rather than a class.</param>
/// <param name="Used">The columns a model looks at.</param>
/// <param name="IsMixed">Columns of numbers but for a few words, which make them categories: more often than not a slip.</param>
internal sealed record TableLayout(bool HasHeader, Seq<string> Names, int Label, Seq<bool> IsNumeric, Seq<int> Used, Seq<bool> IsMixed)
{
    private const int ColumnsMax = 100_000;

    /// <summary>What tables write where they have nothing. Among words it may be one.</summary>
    private static readonly string[] Nothing = ["na", "n/a", "nan", "null", "none", "?", "-"];

    private static readonly string[] Infinite = ["inf", "+inf", "-inf"];

    /// <summary>Reads the file for what nobody said: a column is numeric if everything in it is a number or stands for nothing.</summary>
    /// <exception cref="JobRefusedException"/>
    public static TableLayout Of(CsvData data, CancellationToken cancellation)
    {
        using var file = new CsvFile(data.Train, data.Delimiter);
        return Of(data, file, cancellation);
    }

    /// <param name="file">The training file, from its beginning on.</param>
    /// <exception cref="JobRefusedException"/>
    public static TableLayout Of(CsvData data, CsvFile file, CancellationToken cancellation)
    {
        if (!file.Next())
            throw new JobRefusedException($"{data.Train} is empty; give a table with at least two rows");
        int width = file.Fields;
        if (width > ColumnsMax)
            throw file.Refused($"it has {width:N0} fields; more than {ColumnsMax:N0} are too many for a table");
        if (width < 2)
            throw file.Refused($"it has one field; a table has a label and at least one column more, with '{data.Delimiter}' between (data.delimiter)");
        bool header = data.Header ?? !Enumerable.Range(0, width).Any(i => TableColumn.TryNumber(file[i], out _));
        var names = NamesOf(file, width, header);
        var survey = new Survey[width];
        for (bool more = !header || file.Next(); more; more = file.Next())
        {
            cancellation.ThrowIfCancellationRequested();
            CheckWidth(file, width);
            for (int i = 0; i < width; i++)
                survey[i].Add(file[i]);
        }

        if (survey[0].Rows == 0)
            throw new JobRefusedException($"{data.Train} has no row beside its header; give at least one");
        return Decide(data, header, names, survey);
    }

    /// <exception cref="JobRefusedException">The current row has not as many fields.</exception>
    public static void CheckWidth(CsvFile file, int width)
    {
        if (file.Fields != width)
            throw file.Refused($"it has {file.Fields} fields where the first line of the training file has {width}");
    }

    private static TableLayout Decide(CsvData data, bool header, Seq<string> names, Survey[] survey)
    {
        int label = data.Label is { } named ? Find(named, "data.label", names, data) : names.Count - 1;
        HashSet<int> numeric = Places(data.Numeric, "data.columns.numeric"), categorical = Places(data.Categorical, "data.columns.categorical"),
            ignored = Places(data.Ignore, "data.columns.ignore");
        if (numeric.Intersect(categorical).Concat(ignored.Intersect(numeric.Union(categorical))).FirstOrDefault(-1) is >= 0 and var twice)
            throw new JobRefusedException($"data.columns names '{names[twice]}' twice; a column is of one kind");
        if (new[] { numeric, categorical, ignored }.Any(set => set.Contains(label)))
            throw new JobRefusedException($"data.columns names '{names[label]}', which is the label; what it is data.target says");
        var kinds = Enumerable.Range(0, names.Count).Select(i => i == label
            ? data.Target switch { TableTarget.Number => true, TableTarget.Class => false, _ => survey[i].IsNumeric && survey[i].HasFraction }
            : numeric.Contains(i) || (!categorical.Contains(i) && survey[i].IsNumeric));
        int[] used = [.. Enumerable.Range(0, names.Count).Where(i => i != label && !ignored.Contains(i))];
        return used.Length > 0 ? new TableLayout(header, names, label, kinds.ToSeq(), used.ToSeq(), survey.Select(c => c.IsMixed).ToSeq())
            : throw new JobRefusedException("data.columns.ignore leaves no column to look at");

        HashSet<int> Places(Seq<string> columns, string key) => [.. columns.Select(c => Find(c, key, names, data))];
    }

    private static int Find(string name, string key, Seq<string> names, CsvData data)
    {
        if (names.IndexOf(name) is >= 0 and var place)
            return place;
        if (int.TryParse(name, out int number) && number >= 1 && number <= names.Count)
            return number - 1;
        throw new JobRefusedException($"{key} names '{name}', but {data.Train} has no such column; did you mean {NearestName.To(name, names)}?");
    }

    private static Seq<string> NamesOf(CsvFile file, int width, bool header)
    {
        string[] names = [.. Enumerable.Range(0, width).Select(i => header ? file[i].ToString() : $"{i + 1}")];
        if (names.FirstOrDefault(n => n.Length == 0) is not null)
            throw file.Refused($"column {Array.IndexOf(names, "") + 1} has no name; name it, or set data.header = off where the first line is data");
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw file.Refused($"two columns are named '{twice.Key}'; name them apart, or set data.header = off where the first line is data");
        return names.ToSeq();
    }

    /// <summary>What is known of a column after some rows.</summary>
    private struct Survey
    {
        private long numbers, words;

        public long Rows { get; private set; }

        /// <summary>A number that is not whole.</summary>
        public bool HasFraction { get; private set; }

        public readonly bool IsNumeric => numbers > 0 && words == 0;

        public readonly bool IsMixed => words > 0 && numbers >= 10 * words;

        public void Add(ReadOnlySpan<char> field)
        {
            Rows++;
            if (TableColumn.TryNumber(field, out double value))
            {
                numbers++;
                HasFraction |= value != Math.Floor(value);
            }
            else if (!field.IsEmpty && !Is(field, Nothing) && !IsTooLarge(field))
            {
                words++;
            }
        }

        /// <summary>Who writes a number that no float can hold means a number all the same.</summary>
        private static bool IsTooLarge(ReadOnlySpan<char> field) => Is(field, Infinite) || double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

        private static bool Is(ReadOnlySpan<char> field, string[] words)
        {
            foreach (string word in words)
            {
                if (field.Equals(word, StringComparison.OrdinalIgnoreCase))
                    return true;
            }

            return false;
        }
    }
}
