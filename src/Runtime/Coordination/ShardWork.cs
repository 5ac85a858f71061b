using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Shard gradients: those that are in the weights, those that were computed for it, whatever became of them, and those that a later
/// generation found done.
/// </summary>
public readonly record struct ShardCount(long Committed, long Computed, long Reused)
{
    /// <summary>Whether somebody computed in vain, or for others.</summary>
    public bool WasInterrupted => Reused > 0 || Computed != Committed;

    public static ShardCount operator +(ShardCount a, ShardCount b) => new(a.Committed + b.Committed, a.Computed + b.Computed, a.Reused + b.Reused);
}

/// <summary>What a job's steps cost in shard gradients, attempts that came to nothing included, as far as its conductor has heard.</summary>
internal sealed class ShardWork(JobSchedule schedule)
{
    private readonly Dictionary<long, int> attempts = [];
    private readonly HashSet<(string Node, Generation Generation)> counted = [];

    /// <summary>Of all steps that have happened.</summary>
    public ShardCount Total { get; private set; }

    /// <summary>
    /// A generation ended, perhaps in the middle of this step. What its members say they have finished counts; those who say nothing any more are
    /// taken to have finished all of theirs.
    /// </summary>
    /// <param name="states">By node.</param>
    public void Interrupted(Membership membership, long step, IReadOnlyDictionary<string, SeatState> states)
    {
        int computed = states.Where(s => s.Value.Kept is { } kept && kept.Step == step && kept.Generation == membership.Generation && counted.Add((s.Key, kept.Generation)))
            .Sum(s => s.Value.Kept!.Computed);
        if (computed == 0)
            return;
        Add(step, computed);
        foreach (var gone in membership.Members.Where(m => IsGone(m.Offer)))
            Add(step, Of(membership, gone, schedule[step]));

        bool IsGone(DeviceOffer offer) => !states.TryGetValue(offer.Node, out var state) || state.Lost.Any(l => l.Device == offer.Device);
    }

    /// <summary>A step has happened.</summary>
    /// <param name="reused">How much of it was there before its generation began.</param>
    public ShardCount Happened(ScheduledStep step, int reused)
    {
        attempts.Remove(step.Step, out int before);
        int shards = Math.Min(step.Samples, schedule.Shards);
        var count = new ShardCount(shards, shards - reused + before, reused);
        Total += count;
        return count;
    }

    private int Of(Membership membership, Member member, ScheduledStep step)
    {
        var shares = membership.Unfinished is { } unfinished && unfinished.Step == step.Step ? unfinished.Shares[member.Rank].Missing : [member.Shards];
        return shares.Sum(s => UnfinishedStep.Present(s, step.Samples, schedule.Shards));
    }

    private void Add(long step, int shards) => attempts[step] = attempts.GetValueOrDefault(step) + shards;
}
