using System.Globalization;

namespace Singa.Actors.Runtime.Observing;

/// <summary>The last lines of a program that trained: the same words everywhere, for scripts read them.</summary>
public static class ClosingLines
{
    private const double BytesPerMebibyte = 1 << 20;

    /// <summary>
    /// <c>test accuracy</c> in percent (or <c>test loss</c> where answers are not right or wrong, and for text, in nats per token; neither
    /// where nothing was held back), before it <c>test top-k accuracy</c> where the job asks for it,
    /// <c>peak memory … planned …</c> in MiB, <c>first step</c> in milliseconds, <c>digest</c>.
    /// </summary>
    /// <param name="processStart">From when on the first step counts.</param>
    public static IReadOnlyList<string> Of(TrainingResult result, DateTimeOffset processStart)
    {
        var lines = new List<string>();
        if (result.Test?.Top is { } top)
            lines.Add(Line($"test top-{top.K} accuracy {top.Share * 100:F2}"));
        if (result.TestAccuracy is { } accuracy)
            lines.Add(Line($"test accuracy {accuracy * 100:F2}"));
        else if (result.TestLoss is { } loss)
            lines.Add(Line($"test loss {loss:F4}"));
        lines.Add(Line($"peak memory {result.PeakBytes / BytesPerMebibyte:F1} planned {result.PlannedBytes / BytesPerMebibyte:F1}"));
        lines.Add(Line($"first step {Math.Max(0, (result.FirstStepAt - processStart).TotalMilliseconds):F0}"));
        lines.Add(Line($"digest {result.Digest}"));
        return lines;
    }

    /// <summary>As <see cref="Of"/>, counted from the start of this process.</summary>
    public static IReadOnlyList<string> Of(TrainingResult result) => Of(result, ProcessStart.Time);

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
