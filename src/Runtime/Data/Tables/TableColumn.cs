using System.Globalization;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>
/// A column of a table that a model looks at. A numeric one is one feature; one of categories is a feature for each, 1 where the row is of
/// it and 0 elsewhere.
/// </summary>
/// <param name="Categories">In ordinal order; empty for a numeric column.</param>
public sealed record TableColumn(string Name, Seq<string> Categories)
{
    public bool IsNumeric => Categories.Count == 0;

    /// <summary>How many values it is to the model.</summary>
    public int Features => Math.Max(1, Categories.Count);

    /// <summary>A row as the model takes it: one field for each column, in order.</summary>
    /// <exception cref="ArgumentException">A field is missing, is no number where one is wanted, or is of an unknown category.</exception>
    public static float[] Encode(Seq<TableColumn> columns, Normalisation? normalisation, ReadOnlySpan<string> fields)
    {
        if (fields.Length != columns.Count)
            throw new ArgumentException($"a row has {columns.Count} fields ({string.Join(", ", columns.Select(c => c.Name))}), not {fields.Length}", nameof(fields));
        var row = new float[columns.Sum(c => c.Features)];
        int feature = 0;
        for (int i = 0; i < fields.Length; i++)
        {
            var (column, field) = (columns[i], fields[i].Trim());
            if (column.IsNumeric)
                row[feature] = Standardised(TryNumber(field, out double value) ? value : throw Wrong(column, field, "no number"), normalisation, feature);
            else
                row[feature + (column.Categories.IndexOf(field) is >= 0 and var category ? category : throw Wrong(column, field, "none of its categories"))] = 1;
            feature += column.Features;
        }

        return row;
    }

    /// <summary>A number that float32 can hold.</summary>
    internal static bool TryNumber(ReadOnlySpan<char> text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && Math.Abs(value) <= float.MaxValue;

    internal static float Standardised(double value, Normalisation? normalisation, int feature) =>
        (float)(normalisation is null ? value : (value - normalisation.Means[feature]) / normalisation.StandardDeviations[feature]);

    private static ArgumentException Wrong(TableColumn column, string field, string what) => new($"'{field}' is {what} of column '{column.Name}'", nameof(field));
}
