using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>The total over one worker's rows along the tree.</summary>
internal sealed class TreeExchange(TrainingPlan plan, int shards) : IExchange
{
    public void Begin(int bucket, long tag, LoadedPlan loaded, Operand rows, IExchangeCompletion done)
    {
        var host = loaded.HostRows(rows);
        Reduce(host);
        done.Complete();
    }

    public void Abort(string reason)
    {
    }

    private unsafe void Reduce(HostRows host)
    {
        var cover = plan.Layouts[0].Rows;
        var values = new Span<float>((void*)host.Address, checked((int)(host.Count * host.Elements)));
        var total = Sum(new ShardRange(0, shards), values);
        total!.CopyTo(values);

        float[]? Sum(ShardRange node, Span<float> all)
        {
            int row = cover.IndexOf(node);
            if (row >= 0)
                return all.Slice((int)(row * host.Elements), (int)host.Elements).ToArray();
            if (node.Count == 1)
                return null;
            var (l, r) = ShardTree.Halves(node);
            var (left, right) = (Sum(l, all), Sum(r, all));
            return left is null ? right : right is null ? left : [.. left.Zip(right, (a, b) => a + b)];
        }
    }
}
