using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Jobs that have ended, for those who ask or submit once more because they have not heard. Only the last are remembered: whoever has not heard for that
/// long has gone, and a service must not grow with every job it ever ran.
/// </summary>
internal sealed class EndedJobs
{
    private const int Capacity = 1024;

    private readonly HashSet<JobId> jobs = [];
    private readonly Queue<JobId> order = new();

    public void Add(JobId job)
    {
        if (!jobs.Add(job))
            return;
        order.Enqueue(job);
        if (order.Count > Capacity)
            jobs.Remove(order.Dequeue());
    }

    public bool Contains(JobId job) => jobs.Contains(job);
}
