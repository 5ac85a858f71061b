using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>Where a job is saved while it trains, and how often. The same job submitted again with the same folder goes on from there.</summary>
/// <param name="Folder">Made where it is missing. One job a folder: another one's checkpoint there is refused, not overwritten.</param>
public sealed record CheckpointOptions(string Folder)
{
    private const long StepsMin = 100, StepsMax = 1000;

    /// <summary>Steps from one checkpoint to the next; 0: each epoch, but no more often than every 100 steps and no less often than every 1,000.</summary>
    public long Every { get; init; }

    internal long EveryIn(JobSchedule schedule) => Every > 0 ? Every : Math.Clamp(schedule.StepsPerEpoch, StepsMin, StepsMax);
}
