using System.Globalization;
using Singa.Actors.Cli.Plotting;

namespace Singa.Actors.Cli;

/// <summary><c>singa plot</c>: learning curves from metrics files.</summary>
internal static class PlotCommand
{
    private const string OutputOption = "--output", ShortOption = "-o", Svg = ".svg", Png = ".png";

    public static void Run(string[] words, TextWriter output, TextWriter errors)
    {
        var arguments = Arguments.Parse(words, OutputOption, ShortOption);
        var metrics = arguments.Operands;
        if (metrics.Count == 0)
            throw new UsageException("METRICS is missing: name one or more files that singa train --metrics wrote");
        string[] pictures = [.. arguments.All(ShortOption), .. arguments.All(OutputOption)];
        if (pictures.Length == 0)
            pictures = [Path.ChangeExtension(metrics[0], Svg)];
        foreach (var picture in pictures)
        {
            if (Path.GetExtension(picture).ToLowerInvariant() is not (Svg or Png))
                throw new UsageException($"{OutputOption} takes a file that ends in {Svg} or {Png}, not '{picture}'");
            if (metrics.Any(m => Path.GetFullPath(m) == Path.GetFullPath(picture)))
                throw new UsageException($"{picture} holds metrics: the picture needs a name of its own, after {OutputOption}");
        }

        var names = Names(metrics);
        var curves = metrics.SelectMany((m, i) => MetricsFile.Read(m, names[i])).ToArray();
        if (!Lettering.Exists)
            errors.WriteLine("singa: no font is installed here, so the picture is without words; Debian's fonts-dejavu-core is one");
        var drawn = new LearningCurves(curves);
        foreach (var picture in pictures)
        {
            var bytes = Path.GetExtension(picture).Equals(Png, StringComparison.OrdinalIgnoreCase) ? drawn.Png() : drawn.Svg();
            using (var file = OutputFile.Create(picture))
                file.Write(bytes);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{picture}: {metrics.Count} {(metrics.Count == 1 ? "run" : "runs")}, up to step {curves.Max(c => c.Steps[^1]):N0}"));
        }
    }

    /// <summary>Files by their names alone, or by their paths where two have the same.</summary>
    private static string[] Names(IReadOnlyList<string> paths)
    {
        string[] names = [.. paths.Select(p => Path.GetFileName(p))];
        return names.Distinct().Count() == names.Length ? names : [.. paths];
    }
}
