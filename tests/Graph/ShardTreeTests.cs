using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Tests;

public sealed class ShardTreeTests
{
    [Theory]
    [InlineData(8, 4)]
    [InlineData(6, 4)]
    [InlineData(5, 4)]
    [InlineData(4, 2)]
    [InlineData(3, 2)]
    [InlineData(2, 1)]
    public void Splits_at_the_largest_power_of_two_below(int count, int expected) =>
        Assert.Equal(10 + expected, ShardTree.Split(new ShardRange(10, count)));

    [Fact]
    public void A_cover_is_the_range_in_subtrees_and_no_shorter_one_exists()
    {
        for (int shards = 1; shards <= 17; shards++)
        {
            var nodes = Nodes(new ShardRange(0, shards)).ToHashSet();
            for (int first = 0; first <= shards; first++)
            {
                for (int count = 0; first + count <= shards; count++)
                {
                    var cover = ShardTree.Cover(shards, new ShardRange(first, count));
                    int next = first;
                    foreach (var part in cover)
                    {
                        Assert.Contains(part, nodes);
                        Assert.Equal(next, part.First);
                        next = part.End;
                    }

                    Assert.Equal(first + count, next);
                    // Two neighbours that are one node's halves would have been that node.
                    Assert.DoesNotContain(cover.Zip(cover.Skip(1)), p => nodes.Contains(new ShardRange(p.First.First, p.First.Count + p.Second.Count)));
                }
            }
        }

        static IEnumerable<ShardRange> Nodes(ShardRange node)
        {
            yield return node;
            if (node.Count == 1)
                yield break;
            var (left, right) = ShardTree.Halves(node);
            foreach (var inner in Nodes(left).Concat(Nodes(right)))
                yield return inner;
        }
    }

    [Fact]
    public void Slices_of_a_batch_are_even_and_complete_however_shards_are_spread()
    {
        for (int shards = 1; shards <= 9; shards++)
        {
            for (int batch = 0; batch <= 40; batch++)
            {
                var whole = BatchLayout.Of(batch, shards, new ShardRange(0, shards));
                Assert.Equal(batch, whole.LocalSamples);
                for (int cut = 0; cut <= shards; cut++)
                {
                    var left = BatchLayout.Of(batch, shards, new ShardRange(0, cut));
                    var right = BatchLayout.Of(batch, shards, new ShardRange(cut, shards - cut));
                    Assert.Equal(batch, left.LocalSamples + right.LocalSamples);
                    Assert.Equal(BatchLayout.FirstSample(batch, shards, cut), left.LocalSamples);
                }
            }
        }
    }
}
