using Singa.Actors.Graph;
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
        bool half = host.DType == DType.BFloat16;
        int count = checked((int)(host.Count * host.Elements));
        var halves = new Span<ushort>((void*)host.Address, half ? count : 0);
        Span<float> values = half ? new float[count] : new Span<float>((void*)host.Address, count);
        for (int i = 0; i < halves.Length; i++)
            values[i] = BFloat16.ToSingle(halves[i]);
        var total = Sum(new ShardRange(0, shards), values);
        total!.CopyTo(values);
        for (int i = 0; i < halves.Length; i++)
            halves[i] = BFloat16.FromSingle(values[i]);

        float[]? Sum(ShardRange node, Span<float> all)
        {
            int row = cover.IndexOf(node);
            if (row >= 0)
                return all.Slice((int)(row * host.Elements), (int)host.Elements).ToArray();
            if (node.Count == 1)
                return null;
            var (l, r) = ShardTree.Halves(node);
            var (left, right) = (Sum(l, all), Sum(r, all));
            return left is null ? right : right is null ? left : [.. left.Zip(right, (a, b) => half ? BFloat16.Round(a + b) : a + b)];
        }
    }
}
