using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Collective.Peers;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>
/// One process's part in the rounds of one generation, as its data plane would play it around the real <see cref="PeerRound"/>. A row is one number,
/// and a bucket one segment.
/// </summary>
internal sealed class ProcessRounds
{
    private const int Bytes = sizeof(ulong);
    private readonly Roll roll;
    private readonly ImmutableArray<ShardRange> shards;
    private readonly ProcessGroup group;
    private readonly ImmutableArray<NodeKey> processes;
    private readonly SortedDictionary<long, Open> open = [];

    public ProcessRounds(NodeKey self, Roll roll, ImmutableArray<ShardRange> shards)
    {
        (this.roll, this.shards) = (roll, shards);
        var members = roll.Ranks.Select((n, rank) => new RoundMember(rank, n.Name, shards[rank], PeerOf(n)));
        var rounds = new RoundGroup(new JobId("job"), roll.Generation, shards.Sum(s => s.Count), Truth.Buckets, [.. members]);
        if (rounds.Fault() is { } fault)
            throw new ViolationException(fault);
        group = new ProcessGroup(rounds, PeerOf(self), 4096);
        processes = [.. roll.Ranks.Distinct()];
    }

    public Ballot Ballot => roll.Ballot;

    public bool IsMember => group.Self >= 0;

    /// <summary>All that this process brings to a step.</summary>
    public IEnumerable<(NodeKey To, Message Message)> Bring(long step, ulong replica, TimeSpan now)
    {
        var here = Find(step);
        var send = new List<(NodeKey, Message)>();
        for (int bucket = 0; bucket < Truth.Buckets; bucket++)
        {
            ulong sum = 0;
            foreach (int rank in group.Ranks[group.Self])
            {
                if (here.Round.Arrive(rank, bucket, now, out _) is not null)
                    return [];
                for (int shard = shards[rank].First; shard < shards[rank].End; shard++)
                    sum += Truth.Contribution(step, shard, bucket, replica);
            }

            here.Rows[bucket, group.Self] = sum;
            if (here.Round.Bring(bucket, Bytes) is { } refusal)
                throw new ViolationException(refusal);
            for (int process = 0; process < group.Count; process++)
            {
                if (!here.Round.IsUnsent(process, bucket))
                    continue;
                send.Add((processes[process], new Message.Rows(Ballot, step, bucket, sum)));
                here.Round.Sent(process, bucket);
            }

            send.AddRange(Add(here, step, bucket));
        }

        return send;
    }

    /// <summary>A peer's row of a bucket that is added here. What follows is to be sent.</summary>
    public IEnumerable<(NodeKey To, Message Message)> On(NodeKey from, Message.Rows rows, TimeSpan now)
    {
        int process = processes.IndexOf(from);
        var here = Find(rows.Step);
        switch (here.Round.Row(process, rows.Bucket, 0, 0, 1, Bytes, now))
        {
            case Taken.Wrong:
                throw new ViolationException($"a row of {from} fits no round: {rows}");
            case Taken.Needless:
                return [];
            case Taken.Ready:
                here.Rows[rows.Bucket, process] = rows.Sum;
                return Add(here, rows.Step, rows.Bucket);
            default:
                here.Rows[rows.Bucket, process] = rows.Sum;
                return [];
        }
    }

    public void On(NodeKey from, Message.Total total, TimeSpan now)
    {
        var here = Find(total.Step);
        if (here.Round.Total(processes.IndexOf(from), total.Bucket, 0, now) is not Taken.Ready)
            return;
        here.Totals[total.Bucket] = total.Sum;
        here.Round.Kept(total.Bucket);
    }

    /// <summary>The replica after a step, where all its totals are here.</summary>
    public ulong? After(long step, ulong replica)
    {
        if (!open.TryGetValue(step, out var here) || here.Round.Outcome is not { Completed: true })
            return null;
        foreach (long old in open.Keys.TakeWhile(s => s < step).ToArray())
            open.Remove(old);
        return Truth.After(replica, here.Totals[0], here.Totals[1]);
    }

    /// <summary>A peer is lost. Whether a round fails by it.</summary>
    public bool Lost(NodeKey node) => processes.IndexOf(node) is >= 0 and var process
        && open.Values.Count(o => o.Round.Leave(process, $"{node} is lost", []) is { Completed: false }) > 0;

    /// <summary>Whether somebody was waited for in vain.</summary>
    public bool IsOverdue(TimeSpan now, TimeSpan deadline) => open.Values.Count(o => o.Round.Check(now, deadline) is { Completed: false }) > 0;

    private List<(NodeKey, Message)> Add(Open here, long step, int bucket)
    {
        if (!here.Round.IsReady(bucket, 0))
            return [];
        ulong sum = 0;
        for (int process = 0; process < group.Count; process++)
            sum += here.Rows[bucket, process];
        here.Totals[bucket] = sum;
        here.Round.Summed(bucket, 0);
        return group.Direct ? [] : [.. processes.Where((_, p) => p != group.Self).Select(n => (n, (Message)new Message.Total(Ballot, step, bucket, sum)))];
    }

    private Open Find(long step)
    {
        if (open.TryGetValue(step, out var here))
            return here;
        open.Add(step, here = new Open(new PeerRound(group), new ulong[Truth.Buckets, group.Count], new ulong[Truth.Buckets]));
        here.Round.Open(step);
        return here;
    }

    private static PeerId PeerOf(NodeKey node) => new(node.Name, 1, node.Incarnation);

    private sealed record Open(PeerRound Round, ulong[,] Rows, ulong[] Totals);
}
