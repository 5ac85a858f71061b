using System.Collections.Immutable;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Several shards at once give the very bits of one after the other: results, gradients, and gradients summed along the tree.</summary>
public sealed class AlongShardsTests
{
    private const int Shards = 3;

    private static readonly Dictionary<string, GradientCase> Cases = GradientCase.All().GroupBy(c => c.Name).Select(g => g.MaxBy(c => c.Shapes.Sum(s => s.Count))!)
        .ToDictionary(c => c.ToString());

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_the_bits_of_one_after_the_other(string name)
    {
        var it = Cases[name];
        for (int mask = 1; mask < 1 << it.Shapes.Length; mask++)
        {
            int sharded = mask;
            Check(it, Enumerable.Range(0, it.Shapes.Length).Select(i => (sharded >> i & 1) == 1).ToArray());
        }
    }

    private static void Check(GradientCase it, bool[] sharded)
    {
        var inputs = it.Shapes.Select((s, i) => GraphRunner.Input(i, s)).ToArray();
        var output = it.Build(inputs);
        ImmutableArray<Tensor> wanted = [output, .. Graph.Gradients.Of((output * output).SumAll(), inputs)];
        double[][][] values = [.. inputs.Select((t, i) => Enumerable.Range(0, sharded[i] ? Shards : 1)
            .Select(shard => Differences.Draw((int)t.Shape.Count, i + 10 * shard, it.Low, it.High)).ToArray())];

        using var backend = new ReferenceBackend();
        using var single = new GraphRunner(backend, inputs, [.. wanted]);
        var alone = Enumerable.Range(0, Shards).Select(shard =>
            single.Run([.. values.Select(v => v[Math.Min(shard, v.Length - 1)])]).Select(r => (double[])r.Clone()).ToArray()).ToArray();

        var sources = inputs.Where((_, i) => sharded[i]).ToDictionary(t => t, t => GraphRunner.Input(100 + Array.IndexOf(inputs, t), t.Shape.Prepend(Shards)));
        ImmutableArray<Tensor> together;
        try
        {
            together = ShardAxis.Expand(wanted, sources, new ShardRange(0, Shards));
        }
        catch (GraphException e) when (e.Message.Contains("of each shard's own"))
        {
            // A convolution's filter is a parameter: the same for all shards.
            return;
        }

        Tensor[] feeds = [.. inputs.Select(t => sources.GetValueOrDefault(t, t))];
        double[][] fed = [.. values.Select(v => v.SelectMany(x => x).ToArray())];
        using var all = new GraphRunner(backend, feeds, [.. together]);
        var results = all.Run(fed);
        for (int r = 0; r < wanted.Length; r++)
            Assert.Equal(alone.SelectMany(a => a[r]), results[r]);

        using var summed = new GraphRunner(backend, feeds, [.. together.Select(ShardSum.Apply)]);
        var sums = summed.Run(fed);
        for (int r = 0; r < wanted.Length; r++)
            Assert.Equal(alone[0][r].Select((x, i) => x + alone[1][r][i] + alone[2][r][i]), sums[r]);
    }
}
