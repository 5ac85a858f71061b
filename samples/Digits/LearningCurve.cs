using System.Globalization;
using Singa.Actors.Runtime;
using Spectre.Console;

namespace Singa.Actors.Samples.Digits;

/// <summary>How the loss fell, as a curve of block characters on a logarithmic scale, and what each epoch brought.</summary>
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
        var means = Enumerable.Range(0, columns).Select(Mean).ToArray();
        // The first steps lose a hundred times what the last ones do: on a logarithmic scale both can be seen.
        double most = means.Max(), least = Math.Max(means.Min(), most / 1e4), range = Math.Max(Math.Log(most / least), 1e-3);
        var heights = means.Select(m => Math.Log(Math.Max(m, least) / least) / range * Rows + 0.125).ToArray();
        for (int row = Rows - 1; row >= 0; row--)
        {
            string label = row == Rows - 1 ? Figure("loss", most) : row == 0 ? Figure("", least) : "";
            AnsiConsole.MarkupLine($"[teal]{string.Concat(heights.Select(h => Block(h - row)))}[/]{label}");
        }

        AnsiConsole.MarkupLineInterpolated($"[grey]{string.Join("   ", epochs)}[/]");
        AnsiConsole.WriteLine();

        double Mean(int column) => losses[(column * losses.Count / columns)..((column + 1) * losses.Count / columns)].Average();
    }

    private static string Figure(string name, double value) => string.Create(CultureInfo.InvariantCulture, $" {name} {value:F3}");

    private static char Block(double height) => Blocks[(int)Math.Clamp(Math.Ceiling(height * 8), 0, 8)];
}
