using System.Globalization;
using Singa.Actors.Runtime;
using Spectre.Console;

namespace Singa.Actors.Samples.Digits;

/// <summary>How the loss fell, as a curve of block characters, and what each epoch brought.</summary>
internal sealed class LearningCurve
{
    private const int Columns = 64, Rows = 8;
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    private readonly List<double> losses = [];
    private readonly List<string> epochs = [];

    public void Add(TrainingProgress progress)
    {
        losses.Add(progress.Loss);
        if (progress.Test?.Accuracy is { } accuracy)
            epochs.Add(string.Create(CultureInfo.InvariantCulture, $"epoch {progress.Epoch + 1}: {accuracy * 100:F2} %"));
    }

    public void Show()
    {
        if (losses.Count == 0)
            return;
        int columns = Math.Min(Columns, losses.Count);
        var heights = Enumerable.Range(0, columns).Select(Mean).ToArray();
        double most = heights.Max();
        for (int row = Rows - 1; row >= 0; row--)
        {
            string line = string.Concat(heights.Select(h => Block(h / most * Rows - row)));
            AnsiConsole.MarkupLine($"[teal]{line}[/]{(row == Rows - 1 ? string.Create(CultureInfo.InvariantCulture, $" loss {most:F2}") : "")}");
        }

        AnsiConsole.MarkupLineInterpolated($"[grey]{string.Join("   ", epochs)}[/]");
        AnsiConsole.WriteLine();

        double Mean(int column) => losses[(column * losses.Count / columns)..((column + 1) * losses.Count / columns)].Average();
    }

    private static char Block(double height) => Blocks[(int)Math.Clamp(Math.Ceiling(height * 8), 0, 8)];
}
