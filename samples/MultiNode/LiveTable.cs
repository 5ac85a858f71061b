using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>The scene in a terminal.</summary>
internal static class LiveTable
{
    public static IRenderable Draw(Scene scene, IEnumerable<string> news)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("process", "id", "node", "member", "rank", "shards", "step ms");
        foreach (var node in scene.Nodes)
        {
            string colour = node.Shards.Length > 0 ? "green" : node.State == "up" ? "yellow" : "grey";
            table.AddRow(((string[])[
                node.Name, Text(node.Process), node.Address, node.Coordinator ? $"{node.State}, coordinator" : node.State, node.Rank is { } rank ? Text(rank) : "",
                node.Shards, node.StepTime > TimeSpan.Zero ? Text((int)node.StepTime.TotalMilliseconds) : "",
            ]).Select(cell => new Markup($"[{colour}]{Markup.Escape(cell)}[/]")));
        }

        return new Rows([new Markup($"[bold]{Markup.Escape(Headline(scene))}[/]"), table, .. news.Select(line => new Markup($"[grey]{Markup.Escape(line)}[/]"))]);
    }

    public static string Headline(Scene scene) => string.Create(CultureInfo.InvariantCulture,
        $"generation {scene.Facts.Generation}  step {scene.Progress?.Step + 1 ?? scene.Facts.FirstStep}/{scene.Facts.TotalSteps}  loss {scene.Progress?.Loss:F4}  {scene.Killed} killed");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
