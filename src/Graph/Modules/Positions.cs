using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Modules;

/// <summary>[n, t, f] plus a learned row for each position; weight [Count, f], of which the first t are used.</summary>
public sealed record PositionEmbedding(int Count) : Module
{
    /// <summary>Uniform in ±0.05 unless said, as an <see cref="Embedding"/>'s.</summary>
    public Initialiser Initialiser { get; init; } = new UniformIn(0.05);

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank != 3 || input.Shape[1] > Count)
            throw new GraphException($"positions take [n, time, features] with a time of at most {Count}");
        var weight = context.Parameter("weight", Shape.Of(Count, input.Shape[2]), default, Initialiser);
        return input + AttentionAxes.Part(weight, 0, 0, input.Shape[1]);
    }
}

/// <summary>[n, t, f] plus sines and cosines of the positions at falling frequencies. Source: Vaswani et al., "Attention is all you need" (2017).</summary>
public sealed record SinusoidalPositions : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank != 3 || input.Shape[2] % 2 != 0)
            throw new GraphException("sinusoidal positions take [n, time, features] with an even number of features");
        var (sine, cosine) = Positions.Turns(input.Shape[1], input.Shape[2] / 2);
        // Sine and cosine of each frequency side by side.
        return input + Positions.Constant([.. sine.Zip(cosine, (s, c) => new[] { s, c }).SelectMany(p => p)], Shape.Of(input.Shape[1], input.Shape[2]), input.DType);
    }
}

/// <summary>What positions turn, and by how much.</summary>
internal static class Positions
{
    private const double LogBase = 9.2103403719761836; // ln 10000

    private static readonly ScalarProgram Turn = ScalarBody.Expand(ScalarBody.Compile([DType.Float64], [Fn.Sin(Fn.Exp(Scalar.Argument(0, DType.Float64))), Fn.Cos(Fn.Exp(Scalar.Argument(0, DType.Float64)))]));

    /// <summary>
    /// Sine and cosine of position · 10000^(−i / frequencies), [positions · frequencies] each. One turn is computed by our own functions and
    /// the others from it by multiplication alone, so no system's maths library decides a bit.
    /// </summary>
    public static (double[] Sine, double[] Cosine) Turns(long positions, long frequencies)
    {
        var (sine, cosine) = (new double[positions * frequencies], new double[positions * frequencies]);
        for (long i = 0; i < frequencies; i++)
        {
            double[] turn = ScalarEvaluator.Evaluate(Turn, [-LogBase * i / frequencies]);
            double s = 0, c = 1;
            for (long p = 0; p < positions; p++)
            {
                (sine[p * frequencies + i], cosine[p * frequencies + i]) = (s, c);
                (s, c) = (s * turn[1] + c * turn[0], c * turn[1] - s * turn[0]);
            }
        }

        return (sine, cosine);
    }

    /// <summary>
    /// [n, t, h…, d] with the two halves of d turned against one another by their position's angles, so that products of two depend on how far
    /// apart they are. Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding" (2021).
    /// </summary>
    public static Tensor Rotate(Tensor x)
    {
        if (x.Shape[^1] % 2 != 0)
            throw new GraphException($"rotary positions take an even number of features for each head, not {x.Shape[^1]}");
        long time = x.Shape[1], half = x.Shape[^1] / 2;
        var (sine, cosine) = Turns(time, half);
        var aligned = Shape.Of([time, .. Enumerable.Repeat(1L, x.Shape.Rank - 3), half]);
        var (s, c) = (Constant(sine, aligned, x.DType), Constant(cosine, aligned, x.DType));
        var parts = x.Split(-1, half, half);
        return Composites.Concat(-1, Pointwise.Apply("Rotate", a => a[0] * a[2] - a[1] * a[3], parts[0], parts[1], c, s),
            Pointwise.Apply("Rotate", a => a[1] * a[2] + a[0] * a[3], parts[0], parts[1], c, s));
    }

    public static Tensor Constant(double[] values, Shape shape, DType type) =>
        type == DType.Float64 ? Ops.Constant.Create<double>(values, shape) : Ops.Constant.Create<float>([.. values.Select(v => (float)v)], shape);
}
