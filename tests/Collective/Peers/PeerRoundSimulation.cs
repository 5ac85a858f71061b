using System.Collections.Immutable;
using Singa.Actors.Collective.Peers;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Tests.Peers;

/// <summary>
/// A round among many processes on a network that delays, drops, repeats and reorders, with processes that die. No threads, no bytes: a
/// segment's "sum" is the set of processes whose rows are in it. Everything follows from the seed.
/// </summary>
internal sealed class PeerRoundSimulation
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan End = TimeSpan.FromSeconds(60);

    private readonly Random random;
    private readonly PriorityQueue<Action, (TimeSpan At, int Order)> events = new();
    private readonly Process[] processes;
    private readonly double drop, repeat;
    private readonly int buckets;
    private readonly long[] bytes;
    private TimeSpan now;
    private int order;

    public PeerRoundSimulation(int seed, int most)
    {
        random = new Random(seed);
        int count = random.Next(2, most + 1);
        buckets = random.Next(1, 4);
        drop = random.Next(3) == 0 ? random.NextDouble() * 0.02 : 0;
        repeat = random.Next(2) == 0 ? 0.1 : 0;
        bytes = [.. Enumerable.Range(0, buckets).Select(_ => (long)random.Next(0, 5) * 4096 * random.Next(1, 4))];
        int ranks = count + random.Next(0, count);
        int[] home = [.. Enumerable.Range(0, ranks).Select(r => r < count ? r : random.Next(count)).Order()];
        var ids = Enumerable.Range(0, count).Select(p => new PeerId("host", p + 1, p)).ToArray();
        var cut = Groups.Random(random, random.Next(1, 40), ranks, buckets);
        var group = cut with { Members = [.. cut.Members.Select(m => m with { Peer = ids[home[m.Rank]] })] };
        processes = [.. ids.Select(id => new Process(new ProcessGroup(group, id, 4096)))];
    }

    /// <returns>How many processes completed the round.</returns>
    public int Run()
    {
        foreach (var process in processes)
        {
            process.Round.Open(1);
            foreach (int rank in process.Group.Ranks[process.Self])
            {
                for (int b = 0; b < buckets; b++)
                {
                    int bucket = b;
                    At(random.NextDouble(), () => Arrive(process, rank, bucket));
                }
            }

            for (double tick = 0.25; tick < End.TotalSeconds; tick += 0.25)
                At(tick, () => Watch(process));
        }

        if (random.Next(3) == 0)
        {
            var victim = processes[random.Next(processes.Length)];
            At(random.NextDouble() * 1.5, () => Die(victim));
        }

        while (events.TryDequeue(out var action, out var at))
        {
            now = at.At;
            action();
        }

        return Judge();
    }

    private int Judge()
    {
        foreach (var process in processes.Where(p => p.IsAlive))
        {
            Assert.True(process.Round.Outcome is not null || process.Round.FirstArrival is null, $"process {process.Self} waits for ever");
            if (process.Round.Outcome is not { Completed: true })
                continue;
            // Completed means: every segment of every bucket is the sum of what all have brought.
            for (int b = 0; b < buckets; b++)
            {
                for (int s = 0; s < process.Round.Cut(b).Segments; s++)
                    Assert.True(process.Totals[(b, s)] == processes.Length, $"segment {s} of bucket {b} is the sum of {process.Totals[(b, s)]} processes");
            }
        }

        return processes.Count(p => p.Round.Outcome is { Completed: true });
    }

    private void Arrive(Process process, int rank, int bucket)
    {
        if (!process.IsAlive || process.Round.Arrive(rank, bucket, now, out bool last) is not null || !last)
            return;
        Assert.Null(process.Round.Bring(bucket, bytes[bucket]));
        var cut = process.Round.Cut(bucket);
        int rows = 1 + (process.Self + bucket) % 3;
        foreach (var other in processes.Where(o => o != process && process.Round.IsUnsent(o.Self, bucket)))
        {
            for (int i = 0; i < cut.Owned(other.Self); i++)
            {
                int segment = cut.Segment(other.Self, i);
                for (int r = 0; r < rows; r++)
                {
                    int row = r;
                    Send(process, other, () => TakeRow(other, process.Self, bucket, segment, row, rows));
                }
            }

            // The last byte leaves some time later.
            At(now.TotalSeconds + random.NextDouble() * 0.1, () => process.Round.Sent(other.Self, bucket));
        }

        for (int i = 0; i < cut.Owned(process.Self); i++)
            AddIfReady(process, bucket, cut.Segment(process.Self, i));
    }

    private void TakeRow(Process process, int from, int bucket, int segment, int row, int rows)
    {
        var taken = process.Round.Row(from, bucket, segment, row, rows, bytes[bucket], now);
        Assert.NotEqual(Taken.Wrong, taken);
        if (taken is Taken.Needless)
            return;
        process.Rows.Add((from, bucket, segment, row));
        if (taken is Taken.Ready)
            AddIfReady(process, bucket, segment);
    }

    private void AddIfReady(Process process, int bucket, int segment)
    {
        if (!process.Round.IsReady(bucket, segment))
            return;
        int sum = 1 + processes.Count(p => p != process && Enumerable.Range(0, 1 + (p.Self + bucket) % 3).All(r => process.Rows.Contains((p.Self, bucket, segment, r))));
        process.Totals[(bucket, segment)] = sum;
        process.Round.Summed(bucket, segment);
        if (process.Group.Direct)
            return;
        foreach (var other in processes.Where(o => o != process))
            Send(process, other, () => TakeTotal(other, process.Self, bucket, segment, sum));
    }

    private void TakeTotal(Process process, int from, int bucket, int segment, int sum)
    {
        var taken = process.Round.Total(from, bucket, segment, now);
        Assert.NotEqual(Taken.Wrong, taken);
        if (taken is not Taken.Ready)
            return;
        process.Totals[(bucket, segment)] = sum;
        process.Round.Kept(bucket);
    }

    private void Watch(Process process)
    {
        if (process.IsAlive && process.Round.Check(now, Deadline) is { } outcome)
            Leave(process, outcome.Failure!, outcome.Missing);
    }

    /// <summary>A process that failed tells the others, who may lose that word as any other.</summary>
    private void Leave(Process process, string reason, ImmutableArray<int> missing)
    {
        foreach (var other in processes.Where(o => o != process))
            Send(process, other, () => Left(other, process.Self, reason, missing));
    }

    private void Left(Process process, int who, string reason, ImmutableArray<int> missing)
    {
        if (process.Round.Leave(who, reason, missing) is { Completed: false } outcome)
            Leave(process, outcome.Failure!, outcome.Missing);
    }

    private void Die(Process process)
    {
        process.IsAlive = false;
        foreach (var other in processes.Where(o => o != process))
            At(now.TotalSeconds + random.NextDouble() * 0.02, () => Left(other, process.Self, $"process {process.Self} is lost", []));
    }

    private void Send(Process from, Process to, Action arrive)
    {
        int copies = random.NextDouble() < drop ? 0 : random.NextDouble() < repeat ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            At(now.TotalSeconds + random.NextDouble() * 0.2, () =>
            {
                if (to.IsAlive && from.IsAlive)
                    arrive();
            });
        }
    }

    private void At(double seconds, Action action) => events.Enqueue(action, (TimeSpan.FromSeconds(seconds), order++));

    private sealed class Process(ProcessGroup group)
    {
        public ProcessGroup Group => group;

        public int Self => group.Self;

        public PeerRound Round { get; } = new(group);

        public HashSet<(int, int, int, int)> Rows { get; } = [];

        public Dictionary<(int Bucket, int Segment), int> Totals { get; } = [];

        public bool IsAlive { get; set; } = true;
    }
}

public sealed class PeerRoundSimulationSpecs
{
    private static readonly bool Long = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";

    [Fact]
    public void Nobody_waits_for_ever_and_nobody_takes_half_a_sum_for_a_whole()
    {
        int completed = 0, seeds = Long ? 10_000 : 200;
        for (int seed = 0; seed < seeds; seed++)
            completed += Run(seed, 8) > 0 ? 1 : 0;
        Assert.InRange(completed, seeds / 3, seeds - 1);
    }

    [Fact]
    public void Hundreds_of_processes_take_part()
    {
        for (int seed = 0; seed < (Long ? 20 : 1); seed++)
            Run(seed, 300);
    }

    private static int Run(int seed, int most)
    {
        try
        {
            return new PeerRoundSimulation(seed, most).Run();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, up to {most} processes: {e.Message}", e);
        }
    }
}
