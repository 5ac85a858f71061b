using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;

namespace Singa.Actors.Runtime.Onnx.Suite;

/// <summary>|got − expected| ≤ Absolute + Relative · |expected|.</summary>
public readonly record struct Tolerance(double Relative, double Absolute)
{
    /// <summary>The suite's own.</summary>
    public static readonly Tolerance Suite = new(1e-3, 1e-7);

    /// <summary>For whole models, whose references were computed in float32 by somebody else.</summary>
    public static readonly Tolerance Models = new(1e-3, 1e-4);
}

/// <summary>Compares what a test gave with what it expects.</summary>
internal static class SuiteComparison
{
    /// <summary>
    /// The worst difference in units of the tolerance (1 is the most that passes), and why it is not right; no reason: it is.
    /// </summary>
    /// <param name="random">Elements are chance: only type and shape are compared.</param>
    public static (double Worst, string? Reason) Compare(OnnxValue got, OnnxValue expected, Tolerance tolerance, bool random) => (got, expected) switch
    {
        (OptionalValue { Value: { } inner }, not OptionalValue) => Compare(inner, expected, tolerance, random),
        (not OptionalValue, OptionalValue { Value: { } inner }) => Compare(got, inner, tolerance, random),
        (OptionalValue a, OptionalValue b) => a.Value is null || b.Value is null
            ? (0, a.Value is null && b.Value is null ? null : $"a value is {(a.Value is null ? "missing" : "there and should be missing")}")
            : Compare(a.Value, b.Value, tolerance, random),
        (SequenceValue a, SequenceValue b) when a.Items.Length != b.Items.Length => (0, $"{a.Items.Length} items instead of {b.Items.Length}"),
        (SequenceValue a, SequenceValue b) => a.Items.Zip(b.Items, (x, y) => Compare(x, y, tolerance, random))
            .Aggregate((0.0, (string?)null), (all, next) => (Math.Max(all.Item1, next.Worst), all.Item2 ?? next.Reason)),
        (HostTexts a, HostTexts b) when a.Shape != b.Shape => (0, $"shape {a.Shape} instead of {b.Shape}"),
        (HostTexts a, HostTexts b) => (0, a.Texts == b.Texts ? null : $"texts {a.Texts} instead of {b.Texts}"),
        (HostTensor a, HostTensor b) when a.Element != b.Element || a.Shape != b.Shape => (0, $"{a} instead of {b}"),
        (HostTensor a, HostTensor b) => random ? (0, null) : Elements(a, b, tolerance),
        _ => (0, $"{Kind(got)} instead of {Kind(expected)}"),
    };

    private static string Kind(OnnxValue value) => value switch
    {
        HostTensor tensor => tensor.ToString(),
        HostTexts => "texts",
        SequenceValue => "a sequence",
        _ => "an optional value",
    };

    private static (double, string?) Elements(HostTensor got, HostTensor expected, Tolerance tolerance)
    {
        double[] a = HostNumbers.Floats(got), b = HostNumbers.Floats(expected);
        double worst = 0;
        int at = -1;
        for (int i = 0; i < a.Length; i++)
        {
            double distance = a[i] == b[i] || (double.IsNaN(a[i]) && double.IsNaN(b[i])) ? 0
                : double.IsFinite(a[i]) && double.IsFinite(b[i]) ? Math.Abs(a[i] - b[i]) / (tolerance.Absolute + tolerance.Relative * Math.Abs(b[i])) : double.PositiveInfinity;
            if (distance > worst)
                (worst, at) = (distance, i);
        }

        return (worst, worst <= 1 ? null : FormattableString.Invariant($"element {at} of {expected} is {a[at]:G9} instead of {b[at]:G9}"));
    }
}
