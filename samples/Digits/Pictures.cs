using System.Runtime.InteropServices;
using System.Text;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Spectre.Console;

namespace Singa.Actors.Samples.Digits;

/// <summary>Some of the held-back images with what the model takes them for.</summary>
internal static class Pictures
{
    private const int Side = 28, Half = 2, Width = Side / Half, Gap = 2;

    public static async Task ShowAsync(TrainingJob job, TrainedModel model)
    {
        if ((await DataLoader.LoadAsync(job.Data, job.Seed)).Test is not ByteImages images || images.Sample.Shape.Count != Side * Side)
            return;
        int count = (int)Math.Clamp((AnsiConsole.Profile.Width + Gap) / (Width + Gap), 1, Math.Min(10, images.Count));
        var inputs = new float[count * Side * Side];
        var labels = new int[count];
        images.Read(0, [.. Enumerable.Range(0, count).Select(i => (long)i)], MemoryMarshal.AsBytes(inputs.AsSpan()), MemoryMarshal.AsBytes(labels.AsSpan()));
        var answers = model.Classify(inputs);

        AnsiConsole.WriteLine();
        for (int row = 0; row < Side; row += 2 * Half)
            AnsiConsole.MarkupLine(string.Join(new string(' ', Gap), Enumerable.Range(0, count).Select(i => Row(images.Pixels(i), row))));
        AnsiConsole.MarkupLine(string.Join(new string(' ', Gap), answers.Zip(labels, Caption)));
        AnsiConsole.WriteLine();
    }

    /// <summary>Each character shows two pixels, the upper one in its ink and the lower one in its paper; a pixel is the mean of four.</summary>
    private static string Row(ReadOnlySpan<byte> image, int row)
    {
        var text = new StringBuilder();
        for (int column = 0; column < Side; column += Half)
        {
            int upper = Mean(image, row, column), lower = Mean(image, row + Half, column);
            text.Append($"[rgb({upper},{upper},{upper}) on rgb({lower},{lower},{lower})]▀[/]");
        }

        return text.ToString();
    }

    private static int Mean(ReadOnlySpan<byte> image, int row, int column)
    {
        int at = row * Side + column;
        return (image[at] + image[at + 1] + image[at + Side] + image[at + Side + 1]) / 4;
    }

    private static string Caption(int answer, int label)
    {
        string text = answer == label ? $"{answer}" : $"{answer} not {label}";
        return $"[{(answer == label ? "green" : "red")}]{text.PadRight(Width)}[/]";
    }
}
