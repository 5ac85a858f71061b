using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Cli;

/// <summary>A model in a line or two, as somebody would say it.</summary>
internal static class ModelText
{
    public static FormattableString Of(Module model) => $"{Text(model)}";

    private static string Text(Module module) => module switch
    {
        Sequential sequential => string.Join(", ", sequential.Modules.Select(Text)),
        Conv2d conv => $"convolve {conv.Outputs}@{conv.Kernel}×{conv.Kernel}",
        Linear linear => $"linear {linear.Outputs}",
        MaxPool2d pool => $"max-pool {pool.Kernel}×{pool.Kernel}",
        Activation activation => activation.Function.ToLowerInvariant(),
        Flatten => "flatten",
        Residual residual => $"residual ({Text(residual.Body)})",
        _ => module.GetType().Name.ToLowerInvariant(),
    };
}
