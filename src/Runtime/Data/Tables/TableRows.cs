using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>The values of one column, row after row: numbers, or the numbers of categories.</summary>
internal sealed class ColumnValues(bool isNumeric)
{
    private readonly Dictionary<string, int> codes = new(StringComparer.Ordinal);

    public bool IsNumeric => isNumeric;

    public List<double> Numbers { get; } = [];

    /// <summary>By category, as first seen until <see cref="Sort"/>.</summary>
    public List<int> Categories { get; } = [];

    public int CategoryCount => codes.Count;

    /// <summary>Null, or what is wrong with a field.</summary>
    /// <param name="known">Categories that are not known are wrong.</param>
    public string? Add(ReadOnlySpan<char> field, bool known)
    {
        if (isNumeric)
        {
            if (!TableColumn.TryNumber(field, out double number))
                return $"'{Excerpt(field)}', which is no number";
            Numbers.Add(number);
        }
        else if (codes.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(field, out int code))
        {
            Categories.Add(code);
        }
        else if (known)
        {
            return $"'{Excerpt(field)}', which the training file does not have";
        }
        else
        {
            Categories.Add(codes.Count);
            codes.Add(field.ToString(), codes.Count);
        }

        return null;
    }

    /// <summary>Numbers the categories anew, in order: by value where all are whole numbers, else ordinally.</summary>
    public Seq<string> Sort(bool byValue)
    {
        bool whole = byValue && codes.Keys.All(k => TableColumn.TryNumber(k, out double value) && value == Math.Floor(value));
        string[] sorted = whole
            ? [.. codes.Keys.OrderBy(k => TableColumn.TryNumber(k, out double value) ? value : 0).ThenBy(k => k, StringComparer.Ordinal)]
            : [.. codes.Keys.Order(StringComparer.Ordinal)];
        var renumbered = new int[sorted.Length];
        for (int code = 0; code < sorted.Length; code++)
        {
            renumbered[codes[sorted[code]]] = code;
            codes[sorted[code]] = code;
        }

        for (int row = 0; row < Categories.Count; row++)
            Categories[row] = renumbered[Categories[row]];
        return sorted.ToSeq();
    }

    /// <summary>The same categories and no rows.</summary>
    public ColumnValues Alike()
    {
        var alike = new ColumnValues(isNumeric);
        foreach (var (category, code) in codes)
            alike.codes.Add(category, code);
        return alike;
    }

    private static string Excerpt(ReadOnlySpan<char> field) => field.Length <= 40 ? field.ToString() : $"{field[..40]}…";
}

/// <summary>The rows of a file, column by column.</summary>
internal sealed class TableRows(TableLayout layout, ColumnValues[] columns, ColumnValues label)
{
    private const int CategoriesMax = 1000, ClassesMax = 10_000;

    /// <summary>In order of <see cref="TableLayout.Used"/>.</summary>
    public ColumnValues[] Columns => columns;

    public ColumnValues Label => label;

    public int Count => label.IsNumeric ? label.Numbers.Count : label.Categories.Count;

    /// <summary>Rows of the training file: what they have are the categories.</summary>
    /// <exception cref="Jobs.JobRefusedException">A value is missing or of another kind: names file, line and column.</exception>
    public static TableRows Read(CsvData data, TableLayout layout, CancellationToken cancellation)
    {
        var rows = new TableRows(
            layout, [.. layout.Used.Select(i => new ColumnValues(layout.IsNumeric[i]))], new ColumnValues(layout.IsNumeric[layout.Label]));
        rows.Read(data, data.Train, known: false, cancellation);
        return rows;
    }

    /// <summary>Rows of a test file, which has no category that the training file has not.</summary>
    /// <exception cref="Jobs.JobRefusedException"/>
    public TableRows ReadTest(CsvData data, string path, CancellationToken cancellation)
    {
        var rows = new TableRows(layout, [.. columns.Select(c => c.Alike())], label.Alike());
        rows.Read(data, path, known: true, cancellation);
        return rows;
    }

    private void Read(CsvData data, string path, bool known, CancellationToken cancellation)
    {
        using var file = new CsvFile(path, data.Delimiter);
        if (layout.HasHeader)
            CheckHeader(file);
        while (file.Next())
        {
            cancellation.ThrowIfCancellationRequested();
            TableLayout.CheckWidth(file, layout.Names.Count);
            for (int i = 0; i < columns.Length; i++)
            {
                Add(file, layout.Used[i], columns[i], known);
                if (columns[i].CategoryCount > CategoriesMax)
                    throw file.Refused($"column '{layout.Names[layout.Used[i]]}' has more than {CategoriesMax:N0} categories; name it in data.columns.numeric or data.columns.ignore");
            }

            Add(file, layout.Label, label, known);
            if (label.CategoryCount > ClassesMax)
                throw file.Refused($"the label '{layout.Names[layout.Label]}' has more than {ClassesMax:N0} classes; set data.target = number where it is a number, or name another data.label");
        }

        if (Count == 0)
            throw new Jobs.JobRefusedException($"{path} has no rows; give at least one");
    }

    private void Add(CsvFile file, int place, ColumnValues column, bool known)
    {
        var field = file[place];
        if (field.IsEmpty)
            throw file.Refused($"column '{layout.Names[place]}' has no value; fill it in, leave the line out, or name the column in data.columns.ignore");
        if (column.Add(field, known) is { } wrong)
            throw file.Refused($"column '{layout.Names[place]}' has {wrong}");
    }

    private void CheckHeader(CsvFile file)
    {
        if (!file.Next())
            return;
        for (int i = 0; i < layout.Names.Count; i++)
        {
            if (i >= file.Fields || !file[i].SequenceEqual(layout.Names[i]))
                throw file.Refused($"column {i + 1} is not named '{layout.Names[i]}', as in the training file; give both the same columns");
        }

        TableLayout.CheckWidth(file, layout.Names.Count);
    }
}
