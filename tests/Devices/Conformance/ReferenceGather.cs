using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

internal static class ReferenceGather
{
    public static void Run(GatherKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (table, indices, target) = (new ReferenceView(kernel.Table, blocks), new ReferenceView(kernel.Indices, blocks), new ReferenceView(kernel.Target, blocks));
        foreach (var at in ReferenceView.Indices(target.Shape))
        {
            long row = indices[at[0]].Integer;
            target[at] = row >= 0 && row < table.Shape[0] ? table[row, at[1]] : Value.Zero(target.Type);
        }
    }

    public static void Run(ScatterAddKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (indices, updates, target) = (new ReferenceView(kernel.Indices, blocks), new ReferenceView(kernel.Updates, blocks), new ReferenceView(kernel.Target, blocks));
        foreach (var at in ReferenceView.Indices(target.Shape))
        {
            var range = kernel.Tree[(int)at[0]];
            // The tree of a range is that of as many shards from 0.
            target[at] = ReferenceBackend.Sum(new ShardRange(0, range.Count), kernel.Rounded, shard => OfShard(range.First + shard));

            Value OfShard(long shard)
            {
                var sum = Value.Zero(target.Type);
                for (long i = 0; i < indices.Shape[1]; i++)
                {
                    if (indices[shard, i].Integer == at[1])
                        sum += updates[shard, i, at[2]];
                }

                return sum;
            }
        }
    }
}
