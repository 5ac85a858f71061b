using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>A model that a job can name, and the settings it reads.</summary>
public sealed record ModelEntry(Func<Shape, int, ModelSettings, Module> Build, params Seq<string> Settings)
{
    /// <summary>Its output is its input again: losses measure it against that unless told otherwise.</summary>
    public bool GivesInputBack { get; init; }
}

/// <summary>The models that a job can name.</summary>
public static class ModelCatalog
{
    private static readonly SortedDictionary<string, ModelEntry> Entries = new(StringComparer.Ordinal)
    {
        ["autoencoder"] = new((sample, _, settings) => Autoencoder.Create(sample, settings), Autoencoder.Settings) { GivesInputBack = true },
        ["char-lstm"] = new((_, classes, settings) => CharLstm.Create(classes, settings), "dropout", "hidden", "layers"),
        ["gpt-mini"] = new(GptMini.Create, GptMini.Settings),
        ["lenet"] = new((_, classes, _) => LeNet(classes)),
        ["mlp"] = new((_, classes, _) => Mlp(classes)),
        ["resnet18"] = new((sample, classes, _) => ResNet.Create18(sample, classes)),
        ["resnet50"] = new((sample, classes, _) => ResNet.Create50(sample, classes)),
    };

    public static IReadOnlyList<string> Names => [.. Entries.Keys];

    /// <summary>The settings that a model takes.</summary>
    /// <exception cref="GraphException">No model has that name.</exception>
    public static IReadOnlyList<string> SettingsOf(string name) => Entry(name).Settings;

    /// <exception cref="GraphException">No model has that name.</exception>
    public static bool GivesInputBack(string name) => Entry(name).GivesInputBack;

    /// <param name="sample">Shape of one sample, for models that depend on it.</param>
    /// <param name="classes">Size of the last layer.</param>
    /// <exception cref="GraphException">No model has that name, it has no such setting, or a setting's value is wrong.</exception>
    public static Module Create(string name, Shape sample, int classes, ModelSettings? settings = null)
    {
        var entry = Entry(name);
        settings ??= ModelSettings.None;
        if (settings.Keys.FirstOrDefault(k => !entry.Settings.Contains(k)) is { } unknown)
        {
            string known = entry.Settings.Count == 0 ? "it has none" : $"it has {string.Join(", ", entry.Settings)}";
            throw new GraphException($"model '{name}' has no setting '{unknown}'; {known}");
        }

        return entry.Build(sample, classes, settings);
    }

    private static ModelEntry Entry(string name) => Entries.TryGetValue(name, out var entry)
        ? entry : throw new GraphException($"no model is named '{name}'; there are {string.Join(", ", Names)}");

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
