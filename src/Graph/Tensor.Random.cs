using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph;

/// <summary>Random tensors: a pure function of the seed, on every machine. Another seed gives other numbers, and the same plan draws them.</summary>
public sealed partial class Tensor
{
    /// <summary>Uniform from <paramref name="low"/> up to, not including, <paramref name="high"/>; of 24 random bits in float32, 53 in float64.</summary>
    public static Tensor RandomUniform(Shape shape, ulong seed, double low = 0, double high = 1, DType type = DType.Float32)
    {
        var unit = Unit(shape, seed, "uniform", 0, type);
        return (low, high) is (0, 1) ? unit : unit * (high - low) + low;
    }

    /// <summary>Normal, by the method of Box and Muller ("A note on the generation of random normal deviates", 1958).</summary>
    public static Tensor RandomNormal(Shape shape, ulong seed, double mean = 0, double deviation = 1, DType type = DType.Float32)
    {
        var normal = Pointwise.Apply("Normal", a => Fn.Sqrt(-2 * Fn.Log(1 - a[0])) * Fn.Cos(a[1] * (2 * Math.PI)),
            Unit(shape, seed, "normal", 0, type), Unit(shape, seed, "normal", 1, type));
        return (mean, deviation) is (0, 1) ? normal : normal * deviation + mean;
    }

    /// <summary>Int32 from <paramref name="low"/> up to, not including, <paramref name="high"/>, all alike.</summary>
    public static Tensor RandomIntegers(Shape shape, ulong seed, int low, int high)
    {
        if (high <= low)
            throw new GraphException($"there are no whole numbers from {low} to below {high}");
        return Pointwise.Apply("Integers", a => Fn.Convert(Fn.Floor(a[0] * ((double)high - low)) + low, DType.Int32), Unit(shape, seed, "integers", 0, DType.Float64));
    }

    // The lower half of the seed is data, so that another one does not make another plan.
    private static Tensor Unit(Shape shape, ulong seed, string purpose, uint stream, DType type)
    {
        if (!type.IsFloat())
            throw new GraphException($"random numbers between two are float32 or float64, not {type.ToString().ToLowerInvariant()}");
        ulong key = Philox.Key(seed >> 32, purpose);
        var half = From((int)(uint)seed);
        Tensor Words(uint of) => new Node(new RandomBits(key, of, shape), [half]).Output;
        return type == DType.Float32
            ? Pointwise.Apply("Uniform", a => Fn.Convert((a[0] >> 8) & (double)0xFFFFFF, type) * (1.0 / (1 << 24)), Words(2 * stream))
            : Pointwise.Apply("Uniform", a => Fn.Convert((a[0] >> 5) & (double)0x7FFFFFF, type) * (1.0 / (1 << 27))
                + Fn.Convert((a[1] >> 6) & (double)0x3FFFFFF, type) * (1.0 / (1L << 53)), Words(2 * stream), Words(2 * stream + 1));
    }
}
