using System.Collections.Immutable;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Recurrence;

public sealed class RecurrentTests
{
    private const int N = 2, T = 4, In = 3, H = 2;

    public static TheoryData<Recurrent> Layers => [new Rnn(H), new Rnn(H, "Relu"), new Lstm(H), new Gru(H)];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Each_step_is_the_definition(Recurrent layer)
    {
        int states = layer is Lstm ? 2 : 1;
        var traced = Trace(layer, states);
        var values = RecurrentLayer.Draw(traced.Inputs.Concat(traced.Parameters));
        var results = Run(traced, values);
        var (output, final) = Defined(layer, values[0], values[1..(1 + states)], values[(1 + states)..]);
        Close(output, results[0]);
        for (int s = 0; s < states; s++)
            Close(final[s], results[1 + s]);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void The_way_back_is_the_way_there_on_what_is_reversed(Recurrent layer)
    {
        var both = Trace(layer with { Bidirectional = true }, 0);
        var one = Trace(layer, 0);
        var values = RecurrentLayer.Draw(both.Inputs.Concat(both.Parameters));
        int half = one.Parameters.Length;
        var results = Run(both, values)[0];
        var there = Run(one, [values[0], .. values[1..(1 + half)]])[0];
        var back = Reversed(Run(one, [Reversed(values[0], In), .. values[(1 + half)..]])[0], H);
        Assert.Equal(Enumerable.Range(0, N * T).SelectMany(i => there[(i * H)..(i * H + H)].Concat(back[(i * H)..(i * H + H)])), results);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Without_sequences_the_last_step_remains(Recurrent layer)
    {
        var (all, last) = (Trace(layer with { Layers = 2 }, 0), Trace(layer with { Layers = 2, Sequences = false }, 0));
        var values = RecurrentLayer.Draw(all.Inputs.Concat(all.Parameters));
        var (sequences, final) = (Run(all, values), Run(last, values));
        Assert.Equal(Enumerable.Range(0, N).SelectMany(i => sequences[0][((i * T + T - 1) * H)..((i + 1) * T * H)]), final[0]);
        // The final states are those of both layers, the upper one last.
        Assert.Equal(final[0], final[1][(N * H)..]);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Tokens_are_one_hot_vectors(Recurrent layer)
    {
        const int vocabulary = 5;
        int[] tokens = [0, 4, 2, 2, 1, 3, 0, 4];
        var given = RecurrentLayer.Trace(layer with { Vocabulary = vocabulary }, Constant.Create<int>(tokens, Shape.Of(N, T)));
        var hot = RecurrentLayer.Trace(layer, Constant.Create<double>([.. tokens.SelectMany(t => Enumerable.Range(0, vocabulary).Select(v => v == t ? 1.0 : 0))], Shape.Of(N, T, vocabulary)));
        Assert.Equal(hot.Requests.Parameters.Select(p => (p.Name, p.Type)), given.Requests.Parameters.Select(p => (p.Name, p.Type)));
        var values = RecurrentLayer.Draw(given.Parameters);
        double[][] Results(RecurrentLayer traced)
        {
            using var backend = new ReferenceBackend();
            using var runner = new GraphRunner(backend, traced.Parameters,
                [traced.Result.Output, .. Graph.Gradients.Of((traced.Result.Output * traced.Result.Output).SumAll(), traced.Parameters)]);
            return [.. runner.Run(values).Select(r => (double[])r.Clone())];
        }

        foreach (var (expected, got) in Results(hot).Zip(Results(given)))
            Close(expected, got);
    }

    [Fact]
    public void Parameters_are_those_of_PyTorch()
    {
        var traced = RecurrentLayer.Trace(new Gru(4) { Layers = 2, Bidirectional = true }, GraphRunner.Input(0, Shape.Of(N, T, In)));
        Assert.Equal(
        [
            ("weight_ih_l0", Shape.Of(12, 3)), ("weight_hh_l0", Shape.Of(12, 4)), ("bias_ih_l0", Shape.Of(12)), ("bias_hh_l0", Shape.Of(12)),
            ("weight_ih_l0_reverse", Shape.Of(12, 3)), ("weight_hh_l0_reverse", Shape.Of(12, 4)), ("bias_ih_l0_reverse", Shape.Of(12)), ("bias_hh_l0_reverse", Shape.Of(12)),
            ("weight_ih_l1", Shape.Of(12, 8)), ("weight_hh_l1", Shape.Of(12, 4)), ("bias_ih_l1", Shape.Of(12)), ("bias_hh_l1", Shape.Of(12)),
            ("weight_ih_l1_reverse", Shape.Of(12, 8)), ("weight_hh_l1_reverse", Shape.Of(12, 4)), ("bias_ih_l1_reverse", Shape.Of(12)), ("bias_hh_l1_reverse", Shape.Of(12)),
        ], traced.Requests.Parameters.Select(p => (p.Name, p.Type.Shape)));
        Assert.All(traced.Requests.Parameters, p => Assert.Equal(new UniformIn(0.5), p.Initialiser));
    }

    public static TheoryData<string, Recurrent, Tensor[]> Wrong => new()
    {
        { "takes [n, time, features], not float64[2, 3]", new Lstm(H), [GraphRunner.Input(0, Shape.Of(2, 3))] },
        { "for tokens it needs a vocabulary", new Lstm(H), [Constant.Create<int>([0, 0], Shape.Of(1, 2))] },
        { "takes int32 tokens [n, time], not float64[2, 3, 4]", new Gru(H) { Vocabulary = 4 }, [GraphRunner.Input(0, Shape.Of(2, 3, 4))] },
        { "at least one step", new Rnn(H), [GraphRunner.Input(0, Shape.Of(2, 0, 4))] },
        { "at least one feature", new Rnn(0), [GraphRunner.Input(0, Shape.Of(2, 1, 4))] },
        { "first states are 2 of float64[1, 2, 2], not float64[2, 2]", new Lstm(H), [GraphRunner.Input(0, Shape.Of(2, 3, 4)), GraphRunner.Input(1, Shape.Of(2, 2))] },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_does_not_fit_is_refused(string part, Recurrent layer, Tensor[] data) =>
        Assert.Contains(part, Assert.Throws<GraphException>(() => RecurrentLayer.Trace(layer, data)).Message);

    private static RecurrentLayer Trace(Recurrent layer, int states) => RecurrentLayer.Trace(layer,
        [GraphRunner.Input(0, Shape.Of(N, T, In)), .. Enumerable.Range(1, states).Select(s => GraphRunner.Input(s, Shape.Of(1, N, H)))]);

    private static double[][] Run(RecurrentLayer traced, double[][] values)
    {
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [.. traced.Inputs, .. traced.Parameters], [traced.Result.Output, .. traced.Result.Final]);
        return [.. runner.Run(values).Select(r => (double[])r.Clone())];
    }

    private static double[] Reversed(double[] values, int width) =>
        [.. Enumerable.Range(0, N).SelectMany(i => Enumerable.Range(0, T).Reverse().SelectMany(t => values[((i * T + t) * width)..((i * T + t + 1) * width)]))];

    private static void Close(double[] expected, double[] got)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], got[i], 1e-12);
    }

    /// <summary>PyTorch's documentation of its layers, as loops.</summary>
    private static (double[] Output, double[][] Final) Defined(Recurrent layer, double[] x, double[][] first, double[][] parameters)
    {
        var (wi, wh, bi, bh) = (parameters[0], parameters[1], parameters[2], parameters[3]);
        var state = first.Select(s => (double[])s.Clone()).ToArray();
        var output = new double[N * T * H];
        static double Sigma(double a) => 1 / (1 + Math.Exp(-a));
        for (int t = 0; t < T; t++)
        {
            var before = state.Select(s => (double[])s.Clone()).ToArray();
            for (int n = 0; n < N; n++)
            {
                for (int j = 0; j < H; j++)
                {
                    double Input(int gate) => bi[gate * H + j] + Enumerable.Range(0, In).Sum(k => wi[(gate * H + j) * In + k] * x[(n * T + t) * In + k]);
                    double Hidden(int gate) => bh[gate * H + j] + Enumerable.Range(0, H).Sum(k => wh[(gate * H + j) * H + k] * before[0][n * H + k]);
                    double Gate(int gate) => Input(gate) + Hidden(gate);
                    int at = n * H + j;
                    switch (layer)
                    {
                        case Lstm:
                            state[1][at] = Sigma(Gate(1)) * before[1][at] + Sigma(Gate(0)) * Math.Tanh(Gate(2));
                            state[0][at] = Sigma(Gate(3)) * Math.Tanh(state[1][at]);
                            break;
                        case Gru:
                            double keep = Sigma(Gate(1)), fresh = Math.Tanh(Input(2) + Sigma(Gate(0)) * Hidden(2));
                            state[0][at] = (1 - keep) * fresh + keep * before[0][at];
                            break;
                        default:
                            state[0][at] = ((Rnn)layer).Activation == "Relu" ? Math.Max(0, Gate(0)) : Math.Tanh(Gate(0));
                            break;
                    }

                    output[(n * T + t) * H + j] = state[0][at];
                }
            }
        }

        return (output, state);
    }
}
