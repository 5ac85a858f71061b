using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>
/// One process's part in the rounds of one generation: it brings its rows to the owners of the buckets, combines what it owns itself with the
/// real <see cref="Round"/>, and has done a step when it has all totals.
/// </summary>
internal sealed class ProcessRounds
{
    private readonly NodeKey self;
    private readonly Roll roll;
    private readonly ImmutableArray<ShardRange> shards;
    private readonly ImmutableArray<NodeKey> processes;
    private readonly RoundGroup group;
    private readonly Dictionary<(long Step, int Bucket), (Round Round, ulong Sum)> owned = [];
    private readonly Dictionary<(long Step, int Bucket), ulong> totals = [];
    private TimeSpan? waiting;

    public ProcessRounds(NodeKey self, Roll roll, ImmutableArray<ShardRange> shards)
    {
        (this.self, this.roll, this.shards) = (self, roll, shards);
        processes = [.. roll.Ranks.Distinct()];
        group = new RoundGroup(
            new JobId("job"), roll.Generation, shards.Sum(s => s.Count), 1, [.. roll.Ranks.Select((n, rank) => new RoundMember(rank, n.Name, shards[rank]))]);
        if (group.Fault() is { } fault)
            throw new ViolationException(fault);
    }

    public Ballot Ballot => roll.Ballot;

    public bool IsMember => processes.Contains(self);

    /// <summary>The rows of this process, for each bucket's owner.</summary>
    public IEnumerable<(NodeKey Owner, Message.Rows Rows)> Bring(long step, ulong replica, TimeSpan now)
    {
        waiting = now;
        for (int bucket = 0; bucket < Truth.Buckets; bucket++)
        {
            var sums = ImmutableArray.CreateBuilder<(int, ulong)>();
            for (int rank = 0; rank < roll.Ranks.Length; rank++)
            {
                if (roll.Ranks[rank] != self)
                    continue;
                ulong sum = 0;
                for (int shard = shards[rank].First; shard < shards[rank].End; shard++)
                    sum += Truth.Contribution(step, shard, bucket, replica);
                sums.Add((rank, sum));
            }

            yield return (processes[(int)((step * Truth.Buckets + bucket) % processes.Length)], new Message.Rows(Ballot, step, bucket, sums.ToImmutable()));
        }
    }

    /// <summary>Rows arrive here, where their bucket is combined.</summary>
    /// <returns>The total for everybody, when they were the last.</returns>
    public (ImmutableArray<NodeKey> Everybody, Message.Total Total)? On(Message.Rows rows, TimeSpan now)
    {
        var key = (rows.Step, rows.Bucket);
        if (!owned.TryGetValue(key, out var here))
        {
            here.Round = new Round(group);
            here.Round.Open(rows.Step);
        }

        bool isLast = false;
        foreach (var (rank, sum) in rows.Sums)
        {
            if (here.Round.Arrive(rank, 0, now, out bool last) is null)
                here.Sum += sum;
            isLast |= last;
        }

        owned[key] = here;
        if (!isLast || here.Round.Combine(0) is null)
            return null;
        return (processes, new Message.Total(Ballot, rows.Step, rows.Bucket, here.Sum));
    }

    /// <summary>A total arrives. Returns the replica after the step when it was the last.</summary>
    public ulong? On(Message.Total total, long step, ulong replica)
    {
        if (total.Step < step)
            return null;
        totals[(total.Step, total.Bucket)] = total.Sum;
        if (!totals.TryGetValue((step, 0), out ulong first) || !totals.TryGetValue((step, 1), out ulong second))
            return null;
        waiting = null;
        totals.Remove((step, 0));
        totals.Remove((step, 1));
        foreach (var old in owned.Keys.Where(k => k.Step < step - 1).ToArray())
            owned.Remove(old);
        return Truth.After(replica, first, second);
    }

    /// <summary>Whether somebody has been waited for in vain, here or by this process.</summary>
    public bool IsOverdue(TimeSpan now, TimeSpan deadline) =>
        now - waiting > 1.5 * deadline || owned.Values.Any(o => o.Round.Check(now, deadline) is not null);
}
