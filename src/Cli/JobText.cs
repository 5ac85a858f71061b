using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Cli;

/// <summary>Parts of a job in a line or two, as somebody would say it.</summary>
internal static class JobText
{
    public static FormattableString Of(Module model) => $"{Text(model)}";

    public static FormattableString Of(Optimizer optimizer) => optimizer switch
    {
        Sgd sgd => $"sgd, learning rate {sgd.LearningRate} {Text(sgd.Schedule)}, {(sgd.Nesterov ? "nesterov " : "")}momentum {sgd.Momentum}, weight decay {sgd.WeightDecay}",
        _ => $"{optimizer.GetType().Name.ToLowerInvariant()} {Text(optimizer.Schedule)}",
    };

    private static string Text(Schedule schedule) => schedule.GetType().Name.Replace(nameof(Schedule), "").ToLowerInvariant();

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
