using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>Which samples each shard of a step saw, and with whom: nothing is reported for it, everybody can compute it.</summary>
public sealed class ShardLedger(ulong seed, JobSchedule schedule, Membership membership)
{
    private readonly SampleOrder order = new(seed, schedule.Samples);

    /// <summary>In order of the shards; shards that saw nothing are absent.</summary>
    public ImmutableArray<CommittedShard> Of(ScheduledStep step)
    {
        var shards = ImmutableArray.CreateBuilder<CommittedShard>(schedule.Shards);
        foreach (var member in membership.Members)
        {
            for (int shard = member.Shards.First; shard < member.Shards.End; shard++)
            {
                var (first, count) = schedule.Positions(step, new ShardRange(shard, 1));
                if (count > 0)
                    shards.Add(new CommittedShard(step.Epoch, step.Step, shard, Samples(step.Epoch, first, count), member.Worker, membership.Generation.Number));
            }
        }

        return shards.ToImmutable();
    }

    /// <summary>How many shard gradients of a step were there before its generation began.</summary>
    public int Reused(ScheduledStep step) => membership.Unfinished is { } unfinished && unfinished.Step == step.Step ? unfinished.Reused(step.Samples, schedule.Shards) : 0;

    private ImmutableArray<long> Samples(int epoch, long first, int count)
    {
        var samples = ImmutableArray.CreateBuilder<long>(count);
        for (int i = 0; i < count; i++)
            samples.Add(order[epoch, first + i]);
        return samples.MoveToImmutable();
    }
}
