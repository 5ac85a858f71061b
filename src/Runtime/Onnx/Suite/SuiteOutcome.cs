using System.Globalization;

namespace Singa.Actors.Runtime.Onnx.Suite;

public enum SuiteVerdict
{
    Passed,
    Failed,
    Unsupported,

    /// <summary>A model without expected outputs: it was read, and there is nothing to say.</summary>
    Loaded,
}

/// <summary>How a test ended. <c>Worst</c>: the largest difference in units of the tolerance, of which 1 passes; null where nothing was compared.</summary>
public sealed record SuiteOutcome(SuiteVerdict Verdict, double? Worst, string Reason)
{
    /// <summary>As one line without line breaks: verdict, worst, reason.</summary>
    public string ToLine() => $"{Verdict.ToString().ToLowerInvariant()}\t{Worst?.ToString("G4", CultureInfo.InvariantCulture) ?? ""}\t{OneLine(Reason)}";

    public static SuiteOutcome? FromLine(string line) => line.Split('\t') is [var verdict, var worst, var reason] && Enum.TryParse<SuiteVerdict>(verdict, true, out var parsed)
        ? new SuiteOutcome(parsed, worst.Length == 0 ? null : double.Parse(worst, CultureInfo.InvariantCulture), reason) : null;

    private static string OneLine(string text) => string.Join(' ', text.Split(['\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
