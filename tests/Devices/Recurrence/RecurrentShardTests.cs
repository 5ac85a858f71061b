using System.Collections.Immutable;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Recurrence;

/// <summary>Recurrent layers for several shards at once, masks of dropout included, give the bits of one shard after the other.</summary>
public sealed class RecurrentShardTests
{
    private const int Shards = 3;

    public static TheoryData<Recurrent> Layers =>
    [
        new Rnn(3) { Layers = 2, Dropout = 0.4, Bidirectional = true }, new Rnn(2, "Relu") { Sequences = false },
        new Lstm(3) { Layers = 2, Dropout = 0.4, Bidirectional = true }, new Lstm(2) { Sequences = false },
        new Gru(3) { Layers = 2, Dropout = 0.4, Bidirectional = true }, new Gru(2) { Sequences = false },
    ];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Have_the_bits_of_one_after_the_other(Recurrent layer)
    {
        var input = GraphRunner.Input(0, Shape.Of(2, 4, 3));
        var traced = RecurrentLayer.Trace(layer, input);
        var output = traced.Result.Output;
        ImmutableArray<Tensor> wanted = [output, .. Graph.Gradients.Of((output * output).SumAll(), [input, .. traced.Parameters])];
        var parameters = RecurrentLayer.Draw(traced.Parameters, 10);
        double[][] samples = [.. Enumerable.Range(0, Shards).Select(s => Differences.Draw(24, 100 + s, -1, 1))];

        using var backend = new ReferenceBackend();
        double[][] Run(ShardRange shards, Func<Tensor, Tensor> each)
        {
            var fed = GraphRunner.Input(1000, input.Shape.Prepend(shards.Count));
            var results = ShardAxis.Expand(wanted, new Dictionary<Tensor, Tensor> { [input] = fed }, shards).Select(each).ToArray();
            using var runner = new GraphRunner(backend, [fed, .. traced.Parameters], results);
            return [.. runner.Run([samples[shards.First..shards.End].SelectMany(v => v).ToArray(), .. parameters]).Select(r => (double[])r.Clone())];
        }

        var alone = Enumerable.Range(0, Shards).Select(s => Run(new ShardRange(s, 1), r => r)).ToArray();
        var together = Run(new ShardRange(0, Shards), r => r);
        var summed = Run(new ShardRange(0, Shards), ShardSum.Apply);
        for (int r = 0; r < wanted.Length; r++)
        {
            Assert.Equal(alone.SelectMany(a => a[r]), together[r]);
            Assert.Equal(alone[0][r].Select((x, i) => x + alone[1][r][i] + alone[2][r][i]), summed[r]);
        }
    }
}
