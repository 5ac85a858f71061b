using System.Collections.Immutable;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>What a job asks of the pool.</summary>
/// <param name="Priority">Jobs of a higher one take their devices first.</param>
/// <param name="MinDevices">With fewer it waits.</param>
/// <param name="MaxDevices">0: all.</param>
public sealed record JobDemand(JobId Job, int Priority, int MinDevices, int MaxDevices)
{
    /// <summary>Nodes that cannot work for it, such as those that cannot read its data.</summary>
    public ImmutableArray<string> Unfit { get; init; } = [];
}

/// <summary>What a job gets.</summary>
/// <param name="Devices">Where it may run, in the order in which they were offered. Empty: it does not.</param>
/// <param name="Reason">Why it does not run, as a sentence for whoever submitted it; null: it does.</param>
/// <param name="IsPaused">It has begun, and rests between two steps until devices are free again.</param>
public sealed record JobShare(JobId Job, ImmutableArray<DeviceOffer> Devices, string? Reason, bool IsPaused);

/// <summary>
/// Which jobs run on which devices: a pure function of what is offered and asked for. Jobs of one priority share devices, whose queues take
/// turns; a job of higher priority has the devices it takes to itself and its equals, and those below go on with the rest, if that is enough.
/// </summary>
public static class Allotment
{
    /// <param name="devices">In the order in which they were offered.</param>
    /// <param name="jobs">In the order in which they were submitted.</param>
    /// <param name="present">Where jobs run now; they stay there where they can. A job that has begun is in it, also while it is paused.</param>
    /// <returns>A share for each job, in their order.</returns>
    public static ImmutableArray<JobShare> Of(
        ImmutableArray<DeviceOffer> devices, ImmutableArray<JobDemand> jobs, IReadOnlyDictionary<JobId, ImmutableArray<DeviceOffer>> present)
    {
        var shares = new Dictionary<JobId, JobShare>();
        var free = devices;
        foreach (var equals in jobs.GroupBy(j => j.Priority).OrderByDescending(g => g.Key))
        {
            var load = free.ToDictionary(d => d, _ => 0);
            foreach (var job in equals)
            {
                var usable = free.RemoveAll(d => job.Unfit.Contains(d.Node));
                if (usable.Length < Math.Max(job.MinDevices, 1))
                {
                    shares.Add(job.Job, Waiting(job, devices, usable.Length, present.ContainsKey(job.Job)));
                    continue;
                }

                var kept = present.TryGetValue(job.Job, out var now) ? now : [];
                var taken = usable.OrderBy(d => kept.Contains(d) ? 0 : 1).ThenBy(d => load[d]).Take(job.MaxDevices > 0 ? job.MaxDevices : usable.Length).ToHashSet();
                foreach (var device in taken)
                    load[device]++;
                shares.Add(job.Job, new JobShare(job.Job, [.. usable.Where(taken.Contains)], null, IsPaused: false));
            }

            free = free.RemoveAll(d => load[d] > 0);
        }

        return [.. jobs.Select(j => shares[j.Job])];
    }

    private static JobShare Waiting(JobDemand job, ImmutableArray<DeviceOffer> devices, int left, bool hasBegun)
    {
        int fit = devices.Count(d => !job.Unfit.Contains(d.Node));
        string needs = job.MinDevices == 1 ? "it needs a device" : $"it needs {job.MinDevices} devices (min-devices)";
        string why = left < fit
            ? $"{needs}, and jobs of higher priority leave it {Number(left)} of {fit}"
            : fit < devices.Length
            ? $"{needs}; {Number(devices.Length)} {Are(devices.Length)} offered, of which {Number(fit)} can work for it"
            : $"{needs}; {Number(fit)} {Are(fit)} offered";
        return new JobShare(job.Job, [], why, hasBegun);
    }

    private static string Number(int count) => count == 0 ? "none" : count.ToString();

    private static string Are(int count) => count == 1 ? "is" : "are";
}
