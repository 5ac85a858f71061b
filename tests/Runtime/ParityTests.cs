using System.Text.RegularExpressions;

namespace Singa.Actors.Runtime.Tests;

/// <summary>What docs/parity.md claims can be looked up.</summary>
public sealed partial class ParityTests
{
    private const int Rows = 150;

    private static readonly string[][] Table = [.. File.ReadLines(Repository.Path("docs", "parity.md"))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).Where(cells => cells.Length > 6 && int.TryParse(cells[1], out _))];

    [Fact]
    public void Every_row_is_there_once_in_order() => Assert.Equal(Enumerable.Range(1, Rows), Table.Select(cells => int.Parse(cells[1])));

    [Fact]
    public void Every_file_it_names_exists() =>
        Assert.All(Table.SelectMany(cells => Names(cells[5]).Concat(Names(cells[6]))), file => Assert.True(File.Exists(Repository.Path(file.Split('/'))), file));

    [Fact]
    public void Whatever_is_claimed_names_its_place_and_a_test()
    {
        foreach (var cells in Table.Where(cells => !cells[4].StartsWith("not ", StringComparison.Ordinal)))
        {
            Assert.True(Names(cells[5]).Any(), $"row {cells[1]} names no place");
            Assert.Contains(Names(cells[6]), file => file.StartsWith("tests/", StringComparison.Ordinal));
        }
    }

    private static IEnumerable<string> Names(string cell) => Quoted().Matches(cell).Select(m => m.Groups[1].Value);

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();
}
