using System.Globalization;

namespace Singa.Actors.Cli;

/// <summary>Columns of text, aligned, numbers to the right; the same in a terminal and in a file.</summary>
internal sealed class TextTable(params string[] headers)
{
    private const string Gap = "  ";

    private readonly List<string[]> rows = [headers];

    public void Add(params string[] cells) => rows.Add(cells);

    public void Write(TextWriter output, string indent = "")
    {
        var widths = headers.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        var right = headers.Select((_, column) => rows.Count > 1 && rows.Skip(1).All(row => row[column] is [] or [>= '0' and <= '9', ..])).ToArray();
        foreach (var row in rows)
        {
            var cells = row.Select((cell, column) => right[column] ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            output.WriteLine((indent + string.Join(Gap, cells)).TrimEnd());
        }
    }

    /// <summary>As in <c>61.2 MiB</c>; small amounts in bytes.</summary>
    public static string Bytes(long bytes) => string.Create(
        CultureInfo.InvariantCulture, $"{(bytes < 1 << 20 ? $"{bytes:N0} B" : $"{bytes / (double)(1 << 20):F1} MiB")}");
}
