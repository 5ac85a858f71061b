using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Tables;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Checking;

/// <summary>Separated values: UTF-8, closed quotes, as many fields in every row, columns named apart, numbers where a column has numbers.</summary>
internal static class TableCheck
{
    public const string Delimiters = ",;\t|";

    /// <exception cref="JobRefusedException">It is no table.</exception>
    public static void Run(string name, Stream content)
    {
        char delimiter = Path.GetExtension(name).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : Delimiter(name, content);
        var data = new CsvData { Train = name, Delimiter = delimiter };
        var layout = Layout(data, name, content);
        using var file = Open(name, content, delimiter);
        for (bool first = true; file.Next(); first = false)
        {
            TableLayout.CheckWidth(file, layout.Names.Count);
            if (first && layout.HasHeader)
                continue;
            for (int i = 0; i < file.Fields; i++)
                Field(file, i, layout);
        }
    }

    private static void Field(CsvFile file, int column, TableLayout layout)
    {
        string name = layout.Names[column];
        var field = file[column];
        // Words may be left out; numbers and what is to be learned may not.
        if (field.IsEmpty && (layout.IsNumeric[column] || column == layout.Label))
            throw file.Refused($"column '{name}' has no value");
        if (field.ContainsAnyInRange('\0', '\u0008'))
            throw file.Refused($"column '{name}' has a character that no text has");
        if ((layout.IsNumeric[column] || layout.IsMixed[column]) && !field.IsEmpty && !TableColumn.TryNumber(field, out _))
            throw file.Refused($"column '{name}' has numbers, and here '{(field.Length <= 40 ? field : field[..40])}'");
    }

    private static TableLayout Layout(CsvData data, string name, Stream content)
    {
        using var file = Open(name, content, data.Delimiter);
        return TableLayout.Of(data, file, CancellationToken.None);
    }

    /// <summary>The one that the first row has most of.</summary>
    private static char Delimiter(string name, Stream content)
    {
        char best = Delimiters[0];
        int most = 1;
        foreach (char delimiter in Delimiters)
        {
            using var file = Open(name, content, delimiter);
            if (file.Next() && file.Fields > most)
                (best, most) = (delimiter, file.Fields);
        }

        return best;
    }

    private static CsvFile Open(string name, Stream content, char delimiter)
    {
        content.Position = 0;
        return new CsvFile(name, content, delimiter, leaveOpen: true);
    }
}
