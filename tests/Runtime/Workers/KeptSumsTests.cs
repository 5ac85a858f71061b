using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

/// <summary>
/// A step that is interrupted again and again, by nodes that die and workers that do not finish, with rounds that had begun to add rows: the total is to
/// the bit that of the plain tree, and nothing that is left is computed again.
/// </summary>
public sealed class KeptSumsTests
{
    private const long Step = 7;
    private static readonly JobId Job = new("digits");
    private static readonly int[] Elements = [37, 5];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Environment.GetEnvironmentVariable("SINGA_LONG") == "1" ? 2000 : 100)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_total_is_that_of_the_tree_and_nothing_is_computed_that_is_there(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < 5; i++)
            new Interruptions(random).Run();
    }

    [Fact]
    public void What_is_missing_is_shared_by_all_whoever_holds_the_shards_now()
    {
        var before = Membership.Form(Generation.First, Offers(4), 8, 0);
        Assert.Equal([(0, 2), (2, 2), (4, 2), (6, 2)], before.Members.Select(m => (m.Shards.First, m.Shards.Count)));
        var after = Membership.Form(new Generation(2), [.. Offers(4).Where(o => o.Node != "n1")], 8, 0);

        var step = UnfinishedStep.Of(Step, 64, 8, after.Members, before.Members.Where(m => m.Rank != 1).Select(m => (m.Offer.Node, ImmutableArray.Create(m.Shards))))!;

        Assert.Equal([new(0, 2), new(4, 2), new(6, 2)], step.Shares.SelectMany(s => s.Kept));
        Assert.Equal([new(2, 1), new(3, 1)], step.Shares.SelectMany(s => s.Missing));
        Assert.All(step.Shares, s => Assert.True(s.Missing.Length <= 1));
        Assert.Equal(6, step.Reused(64, 8));
    }

    [Fact]
    public void What_no_node_of_the_membership_has_or_is_no_subtree_does_not_count()
    {
        var members = Membership.Form(Generation.First, Offers(2), 8, 0).Members;
        Assert.Null(UnfinishedStep.Of(Step, 64, 8, members, []));
        Assert.Null(UnfinishedStep.Of(Step, 64, 8, members, [("elsewhere", [new(0, 2)]), ("n0", [new(1, 2), new(7, 2), new(-1, 1)])]));
        // Two that have the same: the larger sum.
        var step = UnfinishedStep.Of(Step, 64, 8, members, [("n0", [new(2, 1)]), ("n1", [new(0, 4)])])!;
        Assert.Equal([[], [new ShardRange(0, 4)]], step.Shares.Select(s => s.Kept.ToArray()));
        // Shards without a sample are not missing.
        var last = UnfinishedStep.Of(Step, 5, 8, members, [("n0", [new(0, 4)])])!;
        Assert.Equal([new ShardRange(4, 1)], last.Shares.SelectMany(s => s.Missing));
    }

    [Fact]
    public void Sums_go_when_their_step_has_happened_or_is_not_the_one_to_go_on_with()
    {
        var row = new SumRow(new ShardRange(0, 1), [SumRow.Pinned([1, 2, 3, 4])]);
        foreach (var (end, isKept) in new (Action<KeptSums>, bool)[] { (_ => { }, true), (k => k.Happened(6), true), (k => k.Happened(7), false), (k => k.Begin(7), true), (k => k.Begin(8), false) })
        {
            var kept = new KeptSums();
            kept.Keep(Generation.First, new StepSums(Step, [row]));
            end(kept);
            Assert.Equal(isKept, kept.Report is not null);
            Assert.Equal(isKept, kept.Find(Step, [row.Shards]) is not null);
            Assert.Null(kept.Find(Step + 1, [row.Shards]));
        }
    }

    private static ImmutableArray<DeviceOffer> Offers(int nodes) => [.. Enumerable.Range(0, nodes).Select(n => new DeviceOffer($"n{n}", "cpu:0"))];

    private sealed class Interruptions
    {
        private readonly Random random;
        private readonly int shards, batch, present;
        private readonly float[][][] gradients;
        private readonly Dictionary<string, KeptSums> seats = [];
        private readonly int[] timesComputed;

        public Interruptions(Random random)
        {
            this.random = random;
            shards = random.Next(1, 25);
            batch = random.Next(3) == 0 ? random.Next(1, shards + 1) : random.Next(shards, 4 * shards);
            present = Math.Min(batch, shards);
            timesComputed = new int[shards];
            gradients = [.. Enumerable.Range(0, shards).Select(_ => Elements.Select(n =>
                Enumerable.Range(0, n).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 5)))).ToArray()).ToArray())];
            for (int n = 0; n < random.Next(1, 6); n++)
                seats.Add($"n{n}", new KeptSums());
        }

        public void Run()
        {
            var membership = Form(1, null);
            for (int attempt = 1; attempt < 5; attempt++)
            {
                var finished = membership.Members.Where(_ => random.Next(3) > 0).ToArray();
                bool spent = Interrupt(membership, finished);
                var dead = seats.Keys.Where(_ => seats.Count > 1 && random.Next(4) == 0).Take(seats.Count - 1).ToArray();
                foreach (var node in dead)
                    seats.Remove(node);
                var next = Form(attempt + 1, seats.ToDictionary(s => s.Key, s => s.Value.Report!));
                if (attempt == 1 && !spent && seats.Keys.All(n => next.Members.Any(m => m.Offer.Node == n)))
                {
                    int there = finished.Where(m => seats.ContainsKey(m.Offer.Node)).Sum(m => BatchLayout.Of(batch, shards, m.Shards).Runs.Sum(r => r.Shards.Count));
                    Assert.Equal(there, next.Unfinished?.Reused(batch, shards) ?? 0);
                }

                membership = next;
            }

            Finish(membership);
        }

        private Membership Form(int generation, Dictionary<string, KeptShards>? kept)
        {
            ImmutableArray<DeviceOffer> offers =
                [.. seats.Keys.SelectMany(n => Enumerable.Range(0, random.Next(1, 4)).Select(d => new DeviceOffer(n, $"cpu:{d}", random.Next(1, 4))))];
            var formed = Membership.Form(new Generation(generation), offers, shards, 0);
            return kept is null ? formed : formed with { Unfinished = UnfinishedStep.Of(Step, batch, shards, formed.Members, kept.Select(k => (k.Key, k.Value.Rows))) };
        }

        /// <returns>Whether rows were used up.</returns>
        private bool Interrupt(Membership membership, Member[] finished)
        {
            var group = membership.Rounds(Job, Elements.Length);
            bool anySpent = false;
            foreach (var (node, seat) in seats)
            {
                int[] here = [.. membership.Members.Where(m => m.Offer.Node == node).Select(m => m.Rank)];
                var brought = finished.Where(m => m.Offer.Node == node).Select(m => Bring(membership, m)).ToArray();
                // A round may have got as far as adding what is here in some of its buckets.
                for (int b = 0; b < Elements.Length && brought.Length == here.Length; b++)
                {
                    if (random.Next(2) == 0)
                        continue;
                    bool uses = seats.Count == 1 && random.Next(3) == 0;
                    brought = Add(group, brought, b, here, uses);
                    anySpent |= uses;
                }

                seat.Interrupted();
                foreach (var sums in brought)
                    seat.Bring(sums);
                seat.Keep(membership.Generation, StepSums.Of(Step, group, here, seat.Brought));
            }

            return anySpent;
        }

        private BroughtSums[] Add(RoundGroup group, BroughtSums[] brought, int bucket, int[] here, bool uses)
        {
            var marks = brought.Select(_ => new RowMark()).ToArray();
            marks.ToList().ForEach(m => m.Begin(Step));
            Contribution[] rows = [.. brought.Select((b, i) => Rows(b, bucket) with { Mark = marks[i] })];
            if (rows.All(r => r.RowCount == 0))
                return brought;
            if (uses)
                TreeSum.Combine(shards, rows);
            else
                TreeSum.Gather(shards, rows, group.Covers(here, Step), []);
            return [.. brought.Select((b, i) => b with { States = b.States.SetItem(bucket, marks[i][Step]) })];
        }

        private void Finish(Membership membership)
        {
            Array.Clear(timesComputed);
            var all = membership.Members.Select(m => Bring(membership, m)).ToArray();
            if (membership.Unfinished is { } unfinished)
                Assert.Equal(present - unfinished.Reused(batch, shards), timesComputed.Sum());
            for (int b = 0; b < Elements.Length; b++)
            {
                var total = SumRow.Pinned(new byte[Elements[b] * sizeof(float)]);
                var contributions = all.Select(a => Rows(a, b)).ToArray();
                contributions[0] = contributions[0] with { Rows = contributions[0].Rows with { Address = SumRow.AddressOf(total) } };
                TreeSum.Combine(shards, contributions);
                Assert.Equal(
                    Tree(new ShardRange(0, shards), b)!.Select(BitConverter.SingleToInt32Bits),
                    MemoryMarshal.Cast<byte, float>(total).ToArray().Select(BitConverter.SingleToInt32Bits));
            }
        }

        private static readonly byte[] Elsewhere = SumRow.Pinned(new byte[1024]);

        private static Contribution Rows(BroughtSums sums, int bucket) =>
            new(new HostRows(SumRow.AddressOf(Elsewhere), 0, Elements[bucket], DType.Float32), [], null!)
            {
                Further = [.. sums.Rows.Select(r => new SubtreeRow(r.Shards, SumRow.AddressOf(r.Buckets[bucket])))],
            };

        private BroughtSums Bring(Membership membership, Member member)
        {
            var share = membership.Unfinished?.Shares[member.Rank];
            var layout = share is null ? BatchLayout.Of(batch, shards, member.Shards) : BatchLayout.Of(batch, shards, share.Missing);
            Assert.True(share is null || layout.Rows.SequenceEqual(share.Missing));
            foreach (var run in layout.Runs)
            {
                for (int shard = run.Shards.First; shard < run.Shards.End; shard++)
                    timesComputed[shard]++;
            }

            using var kept = new FirstRows(share is null ? [] : seats[member.Offer.Node].Find(Step, share.Kept)!.Value);
            return new BroughtSums(
                member.Rank, layout.Runs.Sum(r => r.Shards.Count),
                [.. layout.Rows.Select(r => new SumRow(r, [.. Elements.Select((_, b) => SumRow.Pinned(MemoryMarshal.AsBytes<float>(Tree(r, b)!)))])), .. kept.Rows],
                [.. Elements.Select(_ => DType.Float32)], [.. Elements.Select(_ => RowState.Brought)]);
        }

        private float[]? Tree(ShardRange range, int bucket)
        {
            if (range.Count == 1)
                return range.First < present ? gradients[range.First][bucket] : null;
            var (left, right) = ShardTree.Halves(range);
            var (a, b) = (Tree(left, bucket), Tree(right, bucket));
            return a is null || b is null ? a ?? b : [.. a.Zip(b, (x, y) => x + y)];
        }
    }
}
