using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Collective.Tests;

public sealed class TreeSumSpecs
{
    [Theory]
    [MemberData(nameof(Cases))]
    public void Whoever_holds_the_shards_the_total_has_the_bits_of_the_tree(int members, int seed)
    {
        var random = new Random(1000 * members + seed);
        for (int i = 0; i < 8; i++)
        {
            int shards = random.Next(1, 33), elements = random.Next(3) == 0 ? 9001 : random.Next(1, 70);
            int batch = random.Next(4) == 0 ? random.Next(1, shards + 1) : random.Next(1, 4 * shards + 1);
            // Magnitudes far apart make every order of additions a different number.
            var gradients = Gradients(random, shards, elements);
            int present = Math.Min(batch, shards);
            var buckets = Groups.Random(random, shards, members).Bring(batch, elements, range => Tree(gradients, range, present)!);
            TreeSum.Combine(shards, [.. buckets.Select(b => b.Bring(new Told()))]);
            float[] expected = Tree(gradients, new ShardRange(0, shards), present)!;
            Assert.All(buckets, b => Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), b.Total.ToArray().Select(BitConverter.SingleToInt32Bits)));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Whoever_brings_which_subtrees_the_total_has_the_bits_of_the_tree(int members, int seed)
    {
        var random = new Random(7000 * members + seed);
        for (int i = 0; i < 8; i++)
        {
            int shards = random.Next(1, 33), elements = random.Next(3) == 0 ? 9001 : random.Next(1, 70), batch = random.Next(1, 2 * shards + 1);
            var gradients = Gradients(random, shards, elements);
            int present = Math.Min(batch, shards);
            float[] expected = Tree(gradients, new ShardRange(0, shards), present)!;
            var group = Groups.Random(random, shards, members).Uneven(random, 5, batch);
            var buckets = group.BringUneven(batch, elements, range => Tree(gradients, range, present)!, random);
            TreeSum.Combine(shards, [.. buckets.Select(b => b.Bring(new Told()))]);
            Assert.All(buckets, b => Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), b.Total.ToArray().Select(BitConverter.SingleToInt32Bits)));
        }
    }

    [Fact]
    public void What_has_become_of_rows_is_marked()
    {
        var (left, right) = (new Bucket(BatchLayout.Of(4, 4, new ShardRange(0, 1)), 1, _ => [1]), new Bucket(BatchLayout.Of(4, 4, new ShardRange(1, 1)), 1, _ => [2]));
        foreach (var bucket in new[] { left, right })
            bucket.Mark.Begin(3);
        List<SubtreeRow> rows = [];
        Contribution[] both = [left.Bring(new Told()), right.Bring(new Told())];
        TreeSum.Gather(4, both, node => node.End <= 2, rows, isDone: true);
        Assert.Equal(RowState.Brought, left.Mark[3]);
        TreeSum.Gather(4, both, node => node.End <= 2, rows);
        Assert.Equal(new SubtreeRow(new ShardRange(0, 2), both[0].Rows.Address), Assert.Single(rows));
        Assert.Equal((RowState.Gathered, RowState.Gathered, RowState.Brought), (left.Mark[3], right.Mark[3], right.Mark[4]));
        Assert.Equal(3, left.Total[0]);
        left.Mark.Begin(4);
        Assert.Equal(RowState.Brought, left.Mark[4]);
        TreeSum.Combine(2, both);
        Assert.Equal(RowState.Spent, left.Mark[4]);
    }

    [Fact]
    public void One_row_is_its_own_total()
    {
        var bucket = new Bucket(BatchLayout.Of(8, 4, new ShardRange(0, 4)), 3, _ => [1, 2, -0f]);
        TreeSum.Combine(4, [bucket.Bring(new Told())]);
        Assert.Equal([1f, 2f, -0f], bucket.Total.ToArray());
    }

    [Fact]
    public void Halves_are_added_as_float32_and_rounded()
    {
        const int elements = 1000;
        var random = new Random(3);
        ushort[] special = [0, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x7F7F, 0xFF7F, 1, 0x8001, 0x007F];
        var rows = Enumerable.Range(0, 3).Select(_ => GC.AllocateArray<ushort>(elements, pinned: true)).ToArray();
        foreach (var row in rows)
        {
            for (int i = 0; i < elements; i++)
                row[i] = random.Next(4) == 0 ? special[random.Next(special.Length)] : (ushort)random.Next(1 << 16);
        }

        // Three shards: the first two meet first.
        var expected = Enumerable.Range(0, elements).Select(i => Sum(Sum(rows[0][i], rows[1][i]), rows[2][i])).ToArray();
        TreeSum.Combine(3, [.. rows.Select((row, shard) => new Contribution(Host(row), [new ShardRange(shard, 1)], new Told()))]);
        Assert.All(rows, row => Assert.Equal(expected.Select(AnyNaN), row.Select(AnyNaN)));

        static unsafe HostRows Host(ushort[] row) => new((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref row[0]), 1, elements, DType.BFloat16);

        static ushort Sum(ushort a, ushort b) => BFloat16.FromSingle(BFloat16.ToSingle(a) + BFloat16.ToSingle(b));

        static ushort AnyNaN(ushort element) => float.IsNaN(BFloat16.ToSingle(element)) ? (ushort)0x7FC0 : element;
    }

    [Fact]
    public void Rows_that_are_no_subtrees_are_refused()
    {
        var bucket = new Bucket(BatchLayout.Of(8, 4, new ShardRange(0, 4)), 1, _ => [1]).Bring(new Told());
        var wrong = bucket with { Subtrees = [new ShardRange(1, 2)] };
        Assert.Contains("no subtree", Assert.Throws<InvalidOperationException>(() => TreeSum.Combine(4, [wrong])).Message);
        Assert.Contains("1 rows for 2 subtrees", Assert.Throws<InvalidOperationException>(
            () => TreeSum.Combine(4, [bucket with { Subtrees = [new ShardRange(0, 2), new ShardRange(2, 2)] }])).Message);
    }

    [Fact]
    public void Two_who_bring_the_same_shards_are_refused()
    {
        var whole = new Bucket(BatchLayout.Of(8, 4, new ShardRange(0, 4)), 1, _ => [1]);
        var again = new Bucket(BatchLayout.Of(8, 4, new ShardRange(0, 4)), 1, _ => [1]);
        Assert.Throws<InvalidOperationException>(() => TreeSum.Combine(4, [whole.Bring(new Told()), again.Bring(new Told())]));
    }

    [Fact]
    public void Buckets_of_different_sizes_are_refused()
    {
        var one = new Bucket(BatchLayout.Of(2, 2, new ShardRange(0, 1)), 1, _ => [1]);
        var two = new Bucket(BatchLayout.Of(2, 2, new ShardRange(1, 1)), 2, _ => [1, 2]);
        Assert.Contains("1 and 2 elements", Assert.Throws<InvalidOperationException>(
            () => TreeSum.Combine(2, [one.Bring(new Told()), two.Bring(new Told())])).Message);
    }

    [Fact]
    public void Devices_without_data_only_meet()
    {
        var rows = new HostRows(0, 1, 1000, DType.Float32);
        TreeSum.Combine(2, [new Contribution(rows, [new ShardRange(0, 1)], new Told()), new Contribution(rows, [new ShardRange(1, 1)], new Told())]);
    }

    public static TheoryData<int, int> Cases()
    {
        var cases = new TheoryData<int, int>();
        for (int members = 1; members <= 5; members++)
        {
            for (int seed = 0; seed < 8; seed++)
                cases.Add(members, seed);
        }

        return cases;
    }

    private static float[][] Gradients(Random random, int shards, int elements) =>
        [.. Enumerable.Range(0, shards).Select(_ => Enumerable.Range(0, elements).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 5)))).ToArray())];

    /// <summary>The definition, element by element; null where no shard of the range has samples.</summary>
    private static float[]? Tree(float[][] gradients, ShardRange range, int present)
    {
        if (range.Count == 1)
            return range.First < present ? gradients[range.First] : null;
        var (left, right) = ShardTree.Halves(range);
        var (a, b) = (Tree(gradients, left, present), Tree(gradients, right, present));
        return a is null || b is null ? a ?? b : [.. a.Zip(b, (x, y) => x + y)];
    }
}
