using System.Diagnostics;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Observing.Profiling;

/// <summary>A part of a step: calls and milliseconds of one step on one device, and what was computed and moved in it.</summary>
/// <param name="Share">Of the devices' time from first to last, 0 to 1.</param>
public sealed record ProfileRow(string Name, double Calls, double Milliseconds, double Share, double Flops, double Bytes)
{
    public double FlopsPerSecond => Milliseconds > 0 ? Flops / Milliseconds * 1e3 : 0;

    public double BytesPerSecond => Milliseconds > 0 ? Bytes / Milliseconds * 1e3 : 0;
}

/// <summary>Where the time of a step went, as the mean of all devices and all steps but the first, which warms up.</summary>
public sealed record ProfileSummary(
    long Steps, int Devices, bool WithoutFirst, double StepMilliseconds, IReadOnlyList<ProfileRow> Phases, IReadOnlyList<ProfileRow> Operations)
{
    public const string WaitForPeers = "wait for exchange", WaitForWork = "wait for work";

    /// <summary>The part that lies between operations: the queue, and the looking at clocks itself.</summary>
    public const string HandOff = "hand-off";

    /// <param name="frequency">Ticks a second of the executions' times.</param>
    public static ProfileSummary Of(TrainingProfile profile, long? frequency = null)
    {
        var plans = profile.Tracks.SelectMany(t => t.Plans).Where(p => p.Steps > 0).ToArray();
        double ticks = 1e3 / (frequency ?? Stopwatch.Frequency), span = plans.Sum(p => p.Span), steps = plans.Sum(p => p.Steps);
        var operations = plans.SelectMany(p => p.Plan.Sections.SelectMany((section, s) => section.Operations.Select((operation, i) =>
            (Total: p.Operations[s][i], operation.Name, Facts: OperationFacts.Of(section, operation))))).Where(o => o.Total.Count > 0).ToArray();
        var phases = operations.GroupBy(o => o.Facts.Phase).OrderBy(g => g.Key)
            .Select(g => Row(g.Key.ToString().ToLowerInvariant(), g.Select(o => (o.Total, o.Facts.Cost))))
            .Append(Row(WaitForPeers, plans.Select(p => (p.Waits.Peers, default(KernelCost)))))
            .Append(Row(WaitForWork, plans.Select(p => (p.Waits.Work, default(KernelCost))))).ToList();
        phases.Add(Row(HandOff, [(new Total(0, (long)Math.Round(span * (1 - phases.Sum(p => p.Share)))), default)]));
        var rows = operations.GroupBy(o => o.Name).Select(g => Row(g.Key, g.Select(o => (o.Total, o.Facts.Cost)))).OrderByDescending(r => r.Milliseconds);
        return new ProfileSummary(
            plans.Select(p => p.Steps).DefaultIfEmpty(0).Max(), plans.Length, plans.Any(p => p.WithoutFirst), Each(span * ticks), phases, [.. rows]);

        ProfileRow Row(string name, IEnumerable<(Total Total, KernelCost Cost)> parts)
        {
            var all = parts.ToArray();
            double time = all.Sum(p => (double)p.Total.Ticks);
            return new ProfileRow(
                name, Each(all.Sum(p => (double)p.Total.Count)), Each(time * ticks), span > 0 ? time / span : 0,
                Each(all.Sum(p => (double)p.Total.Count * p.Cost.Flops)), Each(all.Sum(p => (double)p.Total.Count * p.Cost.Bytes)));
        }

        double Each(double sum) => steps > 0 ? sum / steps : 0;
    }
}
