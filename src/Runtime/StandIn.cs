namespace Singa.Actors.Graph.Modules
{
    public abstract record Module;
}

namespace Singa.Actors.Graph.Models
{
    using Singa.Actors.Graph.Modules;

    public sealed record Named(string Name, int Classes) : Module;

    public static class ModelCatalog
    {
        public static IReadOnlyList<string> Names { get; } = ["lenet", "mlp"];

        public static Module Create(string name, Shape sample, int classes) => new Named(name, classes);
    }
}

namespace Singa.Actors.Graph.Losses
{
    public abstract record Loss;

    public sealed record SoftmaxCrossEntropy : Loss;

    public static class LossCatalog
    {
        public static IReadOnlyList<string> Names { get; } = ["softmax-cross-entropy"];

        public static Loss Create(string name) => new SoftmaxCrossEntropy();
    }
}

namespace Singa.Actors.Graph.Optimizers
{
    public abstract record Schedule;

    public sealed record ConstantSchedule : Schedule;

    public sealed record CosineSchedule : Schedule;

    public abstract record Optimizer;

    public sealed record Sgd : Optimizer
    {
        public double LearningRate { get; init; } = 0.01;
        public double Momentum { get; init; }
        public double WeightDecay { get; init; }
        public bool Nesterov { get; init; }
        public Schedule Schedule { get; init; } = new ConstantSchedule();
    }
}
