using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>The models that a job can name.</summary>
public static class ModelCatalog
{
    private static readonly SortedDictionary<string, Func<int, Module>> Builders = new(StringComparer.Ordinal)
    {
        ["lenet"] = LeNet,
        ["mlp"] = Mlp,
    };

    public static IReadOnlyList<string> Names => [.. Builders.Keys];

    /// <param name="sample">Shape of one sample, for models that depend on it.</param>
    /// <param name="classes">Size of the last layer.</param>
    /// <exception cref="GraphException">No model has that name.</exception>
    public static Module Create(string name, Shape sample, int classes) => Builders.TryGetValue(name, out var build)
        ? build(classes) : throw new GraphException($"no model is named '{name}'; there are {string.Join(", ", Names)}");

    /// <summary>784-512-256-classes with ReLU, for inputs of any shape.</summary>
    public static Module Mlp(int classes) => new Sequential(
        new Flatten(),
        new Linear(512) { Name = "fc1" }, new Activation("Relu"),
        new Linear(256) { Name = "fc2" }, new Activation("Relu"),
        new Linear(classes) { Name = "fc3" });

    /// <summary>SINGA's MNIST network: two convolutions with pooling, two dense layers. Inputs [n, 1, 28, 28].</summary>
    public static Module LeNet(int classes) => new Sequential(
        new Conv2d(20, 5) { Name = "conv1" }, new Activation("Relu"), new MaxPool2d(2),
        new Conv2d(50, 5) { Name = "conv2" }, new Activation("Relu"), new MaxPool2d(2),
        new Flatten(),
        new Linear(500) { Name = "fc1" }, new Activation("Relu"),
        new Linear(classes) { Name = "fc2" });
}
