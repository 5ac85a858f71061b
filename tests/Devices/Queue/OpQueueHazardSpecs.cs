using System.Collections.Immutable;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests.Queue;

/// <summary>Random plans and random interleavings against the definition: who conflicts with something admitted earlier waits for it, and nobody else does.</summary>
public sealed class OpQueueHazardSpecs
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_interleaving_respects_the_hazards_and_delays_nobody_else(int seed)
    {
        var random = new Random(seed);
        bool overlapping = seed % 2 == 1;
        var plan = RandomPlan(random, overlapping);
        var queue = new OpQueue();
        var lane = OpQueue.Open(new JobId("j"), PlanHazards.Of(plan));
        var heard = new Heard();
        List<Entry> admitted = [];
        List<(QueuedOperation Operation, Entry Entry)> running = [];
        long tag = 0;
        for (int move = 0; move < 400; move++)
        {
            switch (random.Next(6))
            {
                case 0 when move < 300:
                    var sections = Enumerable.Range(0, plan.Sections.Length).OrderBy(_ => random.Next()).Take(random.Next(1, 3)).ToArray();
                    int priority = random.Next(3);
                    Assert.Null(queue.Admit(lane, tag, [.. sections.Select(s => new SectionRun(s, []))], priority, heard));
                    foreach (int s in sections)
                        admitted.AddRange(Enumerable.Range(0, plan.Sections[s].Operations.Length).Select(i => new Entry(tag, s, i, priority)));
                    tag++;
                    break;
                case 1 or 2 or 3:
                    Take();
                    break;
                default:
                    if (running.Count > 0)
                        Complete(random.Next(running.Count));
                    break;
            }
        }

        while (running.Count > 0 || queue.HasReady)
        {
            Take();
            if (running.Count > 0)
                Complete(random.Next(running.Count));
        }

        Assert.All(admitted, e => Assert.True(e.Done));
        Assert.Equal(Enumerable.Range(0, (int)tag).Select(t => (long)t), heard.CompletedTags.Order());
        Assert.Equal((0, 0), queue.Count);

        void Take()
        {
            var free = admitted.Where((e, i) => !e.Started && !admitted.Take(i).Any(earlier => !earlier.Done && Conflict(plan, earlier, e))).ToArray();
            if (queue.Take() is not { } operation)
            {
                // Sections that share memory may be held up as wholes, but never all of them.
                Assert.True(overlapping ? free.Length == 0 || running.Count > 0 : free.Length == 0);
                return;
            }

            var entry = admitted.Single(e => (e.Tag, e.Section, e.Index) == (operation.Tag, operation.Section, operation.Index));
            Assert.Contains(entry, free);
            if (!overlapping)
                Assert.Same(free.OrderByDescending(e => e.Priority).First(), entry);
            entry.Started = true;
            running.Add((operation, entry));
        }

        void Complete(int at)
        {
            var (operation, entry) = running[at];
            running.RemoveAt(at);
            entry.Done = true;
            queue.Complete(operation);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_fails_or_is_cancelled_everybody_is_told_once_and_nothing_is_left(int seed)
    {
        var random = new Random(seed);
        var plan = RandomPlan(random, seed % 2 == 1);
        var queue = new OpQueue();
        var lane = OpQueue.Open(new JobId("j"), PlanHazards.Of(plan));
        var heard = new Heard();
        List<QueuedOperation> running = [];
        List<long> tags = [];
        for (long move = 0; move < 300; move++)
        {
            switch (random.Next(12))
            {
                case < 4:
                    if (queue.Admit(lane, move, [.. plan.Sections.Select((_, s) => new SectionRun(s, []))], 0, heard) is null)
                        tags.Add(move);
                    break;
                case < 8:
                    if (queue.Take() is { } operation)
                        running.Add(operation);
                    break;
                case 8:
                    queue.Cancel(lane, "cancelled", () => { }, random.Next(2) == 0 || tags.Count == 0 ? null : new FirstSections(tags[^random.Next(1, Math.Min(4, tags.Count + 1))], 1));
                    break;
                default:
                    if (running.Count == 0)
                        break;
                    var done = running[random.Next(running.Count)];
                    running.Remove(done);
                    if (random.Next(8) == 0)
                        queue.Fail(done, "failed", byPeers: random.Next(2) == 0);
                    else
                        queue.Complete(done);
                    break;
            }
        }

        bool quiet = false;
        queue.Cancel(lane, "the end", () => quiet = true);
        running.ForEach(o => queue.Complete(o));
        Assert.True(quiet);
        Assert.Equal((0, 0), queue.Count);
        Assert.False(queue.HasReady);
        Assert.Equal(tags, heard.CompletedTags.Concat(heard.Failures.Select(f => f.Tag)).Order());
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    private static Plan RandomPlan(Random random, bool overlapping)
    {
        const int Count = 7;
        var blocks = Enumerable.Range(0, Count).Select(i => new Block(i, $"b{i}", BlockKind.Transient, BlockBytes, overlapping ? random.Next(6) * 48 : i * BlockBytes));
        var sections = Enumerable.Range(0, random.Next(2, 5)).Select(s => Section($"s{s}",
            [.. Enumerable.Range(0, random.Next(1, 7)).Select(i => Work($"o{i}", Some(3), Some(2)))]));
        return new Plan([.. blocks], 1024, 1024, ImmutableDictionary<int, ImmutableArray<byte>>.Empty, [.. sections]);

        int[] Some(int most) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => random.Next(Count))];
    }

    private static bool Conflict(Plan plan, Entry a, Entry b)
    {
        var (x, y) = (plan.Sections[a.Section].Operations[a.Index], plan.Sections[b.Section].Operations[b.Index]);
        return x.Writes.Any(w => y.Writes.Contains(w) || y.Reads.Contains(w)) || x.Reads.Any(y.Writes.Contains)
            || ((a.Tag, a.Section) != (b.Tag, b.Section) && x.Reads.Concat(x.Writes).Any(i => y.Reads.Concat(y.Writes).Any(j => i != j && Overlap(plan.Blocks[i], plan.Blocks[j]))));
    }

    private static bool Overlap(Block a, Block b) => a.Offset < b.Offset + b.Bytes && b.Offset < a.Offset + a.Bytes;

    private sealed class Entry(long tag, int section, int index, int priority)
    {
        public long Tag => tag;

        public int Section => section;

        public int Index => index;

        public int Priority => priority;

        public bool Started { get; set; }

        public bool Done { get; set; }
    }
}
