using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>
/// Samples of any shape [n, …] → [n, values], as many as a sample has, through a code that holds less: layers of falling width, the code, the
/// same layers in reverse, ReLU between them. Trained to give its input back. Source: Hinton, Salakhutdinov,
/// "Reducing the dimensionality of data with neural networks" (2006).
/// </summary>
public static class Autoencoder
{
    public static readonly Seq<string> Settings = ["layers", "width", "code"];

    public static Module Create(Shape sample, ModelSettings settings)
    {
        int layers = settings.Whole("layers", 2, 0, ModelSettings.LayersMax), width = settings.Whole("width", 512), code = settings.Whole("code", 32);
        int[] widths = [.. Enumerable.Range(0, layers).Select(i => Math.Max(1, width >> Math.Min(i, 30)))];
        var modules = new List<Module> { new Flatten() };
        for (int i = 0; i < layers; i++)
            modules.AddRange([new Linear(widths[i]) { Name = $"encoder{i + 1}" }, new Activation("Relu")]);
        modules.Add(new Linear(code) { Name = "code" });
        for (int i = layers - 1; i >= 0; i--)
            modules.AddRange([new Linear(widths[i]) { Name = $"decoder{i + 1}" }, new Activation("Relu")]);
        modules.Add(new Linear(checked((int)sample.Count)) { Name = "output" });
        return new Sequential([.. modules]);
    }
}
