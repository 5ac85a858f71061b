using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Graph.Modules;

/// <summary>A parameter that a model asked for, and the tensor that stands for it in the graph.</summary>
public sealed record ParameterSpec(string Name, TensorType Type, Initialiser Initialiser, Fans Fans, Tensor Tensor);

/// <summary>
/// A running statistic, which begins with what its initialiser says: <c>Observed</c> is this shard's value in training; from step to step the statistic keeps the fraction
/// <c>Keep</c> of itself and takes the rest from the mean of what the shards observed, weighted by their samples.
/// </summary>
public sealed record StatisticSpec(string Name, TensorType Type, Initialiser Initialiser, double Keep, Tensor Tensor, Tensor? Observed);

/// <summary>What a model asks for while it builds its graph.</summary>
public sealed class ModuleRequests
{
    public List<ParameterSpec> Parameters { get; } = [];

    public List<StatisticSpec> Statistics { get; } = [];
}

/// <summary>
/// What a module is told while it builds its part of the graph: its place, and whom to ask for parameters. <c>Step</c> (an Int32
/// scalar) is null outside training.
/// </summary>
public sealed record ModuleContext(ModuleRequests Requests, DType DType, ulong Seed = 0, Tensor? Step = null, string Path = "", bool BeforeRelu = false)
{
    public bool Training => Step is not null;

    /// <summary>The parameter of that name in this module; its first value is He's before a ReLU and Glorot's otherwise, unless said.</summary>
    public Tensor Parameter(string name, Shape shape, Fans fans, Initialiser? initialiser = null)
    {
        string path = Inside(name).Path;
        var type = new TensorType(DType, shape);
        if (Requests.Parameters.FirstOrDefault(p => p.Name == path) is { } known)
            return known.Type == type ? known.Tensor : throw new GraphException($"parameter {path} is used with {known.Type} and {type}");
        var tensor = Placeholder.Create(path, type, BlockKind.Variable);
        Requests.Parameters.Add(new ParameterSpec(path, type, initialiser ?? (BeforeRelu ? new He() : new Glorot()), fans, tensor));
        return tensor;
    }

    /// <summary>The running statistic of that name in this module; in training, what this shard sees of it.</summary>
    public Tensor Statistic(string name, Shape shape, double initial, double keep, Tensor? observed) => Statistic(name, shape, new Uniformly(initial), keep, observed);

    /// <inheritdoc cref="Statistic(string, Shape, double, double, Tensor?)"/>
    public Tensor Statistic(string name, Shape shape, Initialiser initial, double keep, Tensor? observed)
    {
        string path = Inside(name).Path;
        var type = new TensorType(DType, shape);
        var tensor = Placeholder.Create(path, type, BlockKind.Variable);
        Requests.Statistics.Add(new StatisticSpec(path, type, initial, keep, tensor, observed));
        return tensor;
    }

    /// <summary>Uniform in [0, 1), fresh for each step and each shard; only in training.</summary>
    public Tensor Random(string name, Shape shape) =>
        RandomBits.UniformPerShard(Philox.Key(Seed, $"draw {Inside(name).Path}"), Step ?? throw new GraphException("random numbers are for training"), DType, shape);

    public ModuleContext Inside(string name) => this with { Path = Path.Length == 0 ? name : $"{Path}.{name}" };
}
