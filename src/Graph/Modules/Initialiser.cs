using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Modules;

/// <summary>How many inputs feed one output of a parameter, and how many outputs one input feeds.</summary>
public readonly record struct Fans(long In, long Out);

/// <summary>How a parameter's first value is drawn: a pure function of the job's seed and the parameter's name.</summary>
public abstract record Initialiser
{
    public abstract Tensor Create(ulong seed, string name, TensorType type, Fans fans);

    protected static Tensor Uniform(ulong seed, string name, TensorType type, double bound) =>
        (RandomBits.Uniform(Philox.Key(seed, $"initialise {name}"), 0, type.DType, type.Shape) - 0.5) * (2 * bound);
}

public sealed record Uniformly(double Value) : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Fill.Create(type.DType, type.Shape, Value);
}

/// <summary>Uniform in ±√(6 / fan-in). Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015).</summary>
public sealed record He : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Uniform(seed, name, type, Math.Sqrt(6.0 / fans.In));
}

/// <summary>Uniform in ±√(6 / (fan-in + fan-out)). Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).</summary>
public sealed record Glorot : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Uniform(seed, name, type, Math.Sqrt(6.0 / (fans.In + fans.Out)));
}

/// <summary>Uniform in ±<c>Bound</c>.</summary>
public sealed record UniformIn(double Bound) : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Uniform(seed, name, type, Bound);
}

/// <summary>
/// Normal with mean 0. Source: Box, Muller, "A note on the generation of random normal deviates" (1958), by our own logarithm and cosine.
/// </summary>
public sealed record Normal(double Deviation) : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans)
    {
        ulong key = Philox.Key(seed, $"initialise {name}");
        var (radius, angle) = (RandomBits.Uniform(key, 0, type.DType, type.Shape), RandomBits.Uniform(key, 1, type.DType, type.Shape));
        return Pointwise.Apply("Normal", a => Fn.Sqrt(-2 * Fn.Log(1 - a[0])) * Fn.Cos(a[1] * (2 * Math.PI)) * Deviation, radius, angle);
    }
}

/// <summary>Values that are known: those of a trained model that is trained further.</summary>
public sealed record GivenValues(ReadOnlyMemory<byte> Values) : Initialiser
{
    public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Source.Create(type, new HostValues<byte>([Values]));
}
