using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using static Singa.Actors.Graph.Scalars.Fn;

namespace Singa.Actors.Graph.Modules;

/// <summary>h' = f(x · Wᵀ + h · Rᵀ + biases), f an activation of the catalog. Source: Elman, "Finding structure in time" (1990).</summary>
public sealed record Rnn(int Features, string Activation = "Tanh") : Recurrent(Features)
{
    private protected override int Gates => 1;

    private protected override int States => 1;

    private protected override ImmutableArray<Tensor> Step(Tensor input, Tensor recurrent, ImmutableArray<Tensor> states) =>
        [Pointwise.Apply(Activation, recurrent + input)];
}

/// <summary>
/// c' = σ(f) · c + σ(i) · tanh(g), h' = σ(o) · tanh(c'); rows of the weights in the order i, f, g, o (ONNX's is i, o, f, g). Sources:
/// Hochreiter, Schmidhuber, "Long short-term memory" (1997); Gers et al., "Learning to forget" (2000).
/// </summary>
public sealed record Lstm(int Features) : Recurrent(Features)
{
    private protected override int Gates => 4;

    private protected override int States => 2;

    private protected override ImmutableArray<Tensor> Step(Tensor input, Tensor recurrent, ImmutableArray<Tensor> states)
    {
        // Each result is one op on what enters the gates: that is all that is kept for the way back.
        var gates = (recurrent + input).Split(-1, Features, Features, Features, Features);
        var cell = Pointwise.Apply("Cell", a => Logistic(a[1]) * a[3] + Logistic(a[0]) * Tanh(a[2]), gates[0], gates[1], gates[2], states[1]);
        return [Pointwise.Apply("Hidden", a => Logistic(a[0]) * Tanh(a[1]), gates[3], cell), cell];
    }
}

/// <summary>
/// h' = (1 − σ(z)) · n + σ(z) · h with n = tanh(xₙ + σ(r) · hₙ), where xₙ and hₙ each have their bias (ONNX's linear_before_reset = 1); rows
/// of the weights in the order r, z, n (ONNX's is z, r, n). Source: Cho et al., "Learning phrase representations using RNN
/// encoder–decoder" (2014).
/// </summary>
public sealed record Gru(int Features) : Recurrent(Features)
{
    private protected override int Gates => 3;

    private protected override int States => 1;

    private protected override bool InputHasItsBias => true;

    private protected override ImmutableArray<Tensor> Step(Tensor input, Tensor recurrent, ImmutableArray<Tensor> states)
    {
        var (x, h) = (input.Split(-1, Features, Features, Features), recurrent.Split(-1, Features, Features, Features));
        return [Pointwise.Apply("Hidden", a =>
        {
            var keep = Logistic(a[1] + a[4]);
            return (1 - keep) * Tanh(a[2] + Logistic(a[0] + a[3]) * a[5]) + keep * a[6];
        }, x[0], x[1], x[2], h[0], h[1], h[2], states[0])];
    }
}
