using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Compares the gradient of a graph of float64 inputs with central differences.</summary>
internal static class Differences
{
    /// <param name="inputs">Placeholders; each gets values of its own between <paramref name="low"/> and <paramref name="high"/>.</param>
    public static void Check(Tensor[] inputs, Tensor output, double low = -2, double high = 2)
    {
        // Random weights on the output: a constant upstream gradient would hide mistakes that sum to zero.
        var weights = GraphRunner.Input(inputs.Length, output.Shape);
        var loss = (output * weights).SumAll();
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [.. inputs, weights], [loss, .. Graph.Gradients.Of(loss, inputs)]);

        double[][] values = [.. inputs.Append(weights).Select((t, i) => Draw((int)t.Shape.Count, i, low, high))];
        var gradients = runner.Run(values).Skip(1).Select(g => (double[])g.Clone()).ToArray();
        for (int input = 0; input < inputs.Length; input++)
        {
            for (int i = 0; i < values[input].Length; i++)
            {
                const double h = 1e-5;
                double kept = values[input][i];
                values[input][i] = kept + h;
                double above = runner.Run(values)[0][0];
                values[input][i] = kept - h;
                double below = runner.Run(values)[0][0];
                values[input][i] = kept;
                double expected = (above - below) / (2 * h), got = gradients[input][i];
                Assert.True(Math.Abs(expected - got) <= 1e-6 * Math.Max(1, Math.Abs(expected)), $"input {input}, element {i}: {got} and by differences {expected}");
            }
        }
    }

    // Values well apart from one another: the kinks of max, relu and pooling lie between them.
    public static double[] Draw(int count, int stream, double low, double high)
    {
        ulong key = Philox.Key(7, $"gradient test {stream}");
        var order = Enumerable.Range(0, count).OrderBy(i => Philox.Block(key, (ulong)i, 0).W0).ToArray();
        return [.. order.Select((rank, i) => low + (high - low) * (rank + 0.3 + 0.4 * Philox.ToUnitFloat(Philox.Block(key, (ulong)i, 1).W0) + 0.013 * stream) / (count + 0.1))];
    }
}
