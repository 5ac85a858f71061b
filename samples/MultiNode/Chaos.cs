using Singa.Actors.Runtime.Cluster;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>Kills the worker that has lived longest, which is the coordinator's node at first, and starts another in its place.</summary>
internal static class Chaos
{
    /// <summary>Until it is cancelled.</summary>
    /// <param name="host">A node that stays.</param>
    /// <param name="every">How long the workers are left alone once all are there.</param>
    public static async Task RageAsync(WorkerNodes workers, NodeAddress host, TimeSpan every, Action<string> tell, CancellationToken end)
    {
        while (true)
        {
            await Task.Delay(every, end);
            if (workers.Living.FirstOrDefault() is { } victim)
            {
                string who = victim.ToString();
                await workers.KillAsync(victim);
                tell($"killed {who}");
            }

            var next = workers.Start(host);
            try
            {
                await next.UntilUpAsync(end);
                tell($"started {next}");
            }
            catch (InvalidOperationException failure)
            {
                // The job does not depend on it; the next round kills it and tries again.
                tell(failure.Message);
            }
        }
    }
}
