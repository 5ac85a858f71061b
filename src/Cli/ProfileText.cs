using System.Globalization;
using Singa.Actors.Runtime.Observing.Profiling;

namespace Singa.Actors.Cli;

/// <summary>A profile for reading: where a step's time went, by phase and by operation.</summary>
internal static class ProfileText
{
    /// <summary>What is below does not decide anything.</summary>
    private const int RowsMax = 25;

    public static void Write(ProfileSummary summary, TextWriter output)
    {
        output.WriteLine();
        if (summary.Steps == 0)
        {
            output.WriteLine("profile: no step was run");
            return;
        }

        string first = summary.WithoutFirst ? " after the first" : "";
        output.WriteLine(Line($"profile: {summary.StepMilliseconds:F3} ms a step, mean of {summary.Steps} {(summary.Steps == 1 ? "step" : "steps")}{first} on {summary.Devices} {(summary.Devices == 1 ? "device" : "devices")}"));
        Table("phase", summary.Phases.Where(p => p.Milliseconds > 0));
        output.WriteLine();
        var (shown, rest) = (summary.Operations.Take(RowsMax), summary.Operations.Skip(RowsMax).ToArray());
        Table("operation", rest.Length == 0 ? shown : shown.Append(new ProfileRow(
            Line($"{rest.Length} more"), rest.Sum(r => r.Calls), rest.Sum(r => r.Milliseconds), rest.Sum(r => r.Share), rest.Sum(r => r.Flops), rest.Sum(r => r.Bytes))));
        output.WriteLine();

        void Table(string what, IEnumerable<ProfileRow> rows)
        {
            var table = new TextTable(what, "calls", "ms", "%", "GFLOP/s", "GB/s");
            foreach (var row in rows)
            {
                table.Add(
                    row.Name, row.Calls > 0 ? Line($"{row.Calls:0.##}") : "", Line($"{row.Milliseconds:F3}"), Line($"{row.Share * 100:F1}"),
                    row.Flops > 0 ? Line($"{row.FlopsPerSecond / 1e9:F1}") : "", row.Bytes > 0 ? Line($"{row.BytesPerSecond / 1e9:F1}") : "");
            }

            table.Write(output, "  ");
        }
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
