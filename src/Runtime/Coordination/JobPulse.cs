using System.Collections.Immutable;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>How fast a job goes, for whoever asks: the last report of each rank of the present generation.</summary>
internal sealed class JobPulse
{
    /// <summary>So many times the time of the median, and a worker holds up the others.</summary>
    private const double Slow = 1.5;

    private readonly Dictionary<int, WorkerProtocol.StepCompleted> last = [];

    public void On(WorkerProtocol.StepCompleted report)
    {
        if (last.Values.FirstOrDefault() is { } other && other.Generation != report.Generation)
            last.Clear();
        last[report.Rank] = report;
    }

    public TimeSpan StepTime => last.Count == 0 ? TimeSpan.Zero : last.Values.Max(r => r.StepTime);

    public ImmutableArray<WorkerStatus> Workers(Membership membership)
    {
        var seconds = last.Values.Select(Busy).Order().ToArray();
        double median = seconds.Length == 0 ? 0 : seconds[(seconds.Length - 1) / 2];
        return
        [
            .. membership.Members.Select(m =>
            {
                var report = last.GetValueOrDefault(m.Rank);
                bool counts = report is not null && report.Generation == membership.Generation;
                return new WorkerStatus(
                    m.Rank, m.Worker, m.Shards.First, m.Shards.Count, counts ? TimeSpan.FromSeconds(Busy(report!)) : TimeSpan.Zero,
                    counts && membership.Members.Length > 1 && median > 0 && Busy(report!) > Slow * median);
            }),
        ];
    }

    /// <summary>What the worker itself spent, where it says so; a step takes all of them equally long.</summary>
    private static double Busy(WorkerProtocol.StepCompleted report) => (report.Busy > TimeSpan.Zero ? report.Busy : report.StepTime).TotalSeconds;
}
