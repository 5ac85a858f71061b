using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Modules;

/// <summary>A parameter that a model asked for, and the tensor that stands for it in the graph.</summary>
public sealed record ParameterSpec(string Name, TensorType Type, Initialiser Initialiser, Fans Fans, Tensor Tensor);

/// <summary>What a module is told while it builds its part of the graph: its place, and whom to ask for parameters.</summary>
public sealed record ModuleContext(List<ParameterSpec> Parameters, DType DType, string Path = "", bool BeforeRelu = false)
{
    /// <summary>The parameter of that name in this module; its first value is He's before a ReLU and Glorot's otherwise, unless said.</summary>
    public Tensor Parameter(string name, Shape shape, Fans fans, Initialiser? initialiser = null)
    {
        string path = Path.Length == 0 ? name : $"{Path}.{name}";
        var type = new TensorType(DType, shape);
        if (Parameters.FirstOrDefault(p => p.Name == path) is { } known)
            return known.Type == type ? known.Tensor : throw new GraphException($"parameter {path} is used with {known.Type} and {type}");
        var tensor = Placeholder.Create(path, type, BlockKind.Variable);
        Parameters.Add(new ParameterSpec(path, type, initialiser ?? (BeforeRelu ? new He() : new Glorot()), fans, tensor));
        return tensor;
    }

    public ModuleContext Inside(string name) => this with { Path = Path.Length == 0 ? name : $"{Path}.{name}" };
}
