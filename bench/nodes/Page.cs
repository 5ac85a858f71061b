using System.Globalization;

namespace Singa.Actors.Bench.Nodes;

/// <summary>What is found out, printed as it comes and written in the end.</summary>
internal sealed class Page(string file) : IDisposable
{
    private readonly StringWriter text = new();
    private readonly List<string> faults = [];

    public void Line(string line = "")
    {
        Console.WriteLine(line);
        text.WriteLine(line);
    }

    public void Line(FormattableString line) => Line(line.ToString(CultureInfo.InvariantCulture));

    public void Title(string title)
    {
        Line();
        Line($"## {title}");
        Line();
    }

    public void Head(params string[] columns)
    {
        Row(columns);
        Line($"|---|{string.Concat(Enumerable.Repeat("--:|", columns.Length - 1))}");
    }

    public void Row(params string[] cells) => Line($"| {string.Join(" | ", cells)} |");

    /// <summary>Something that should not happen, for the end of the page.</summary>
    public void Fault(string what)
    {
        faults.Add(what);
        Console.Error.WriteLine($"bench/cluster: FAULT: {what}");
    }

    public void Faults()
    {
        Title("Faults met");
        foreach (var fault in faults.DefaultIfEmpty("none"))
            Line($"- {fault}");
    }

    /// <summary>What was measured stays, whatever becomes of the rest.</summary>
    public void Save() => File.WriteAllText(file, text.ToString());

    public void Dispose() => Save();
}
