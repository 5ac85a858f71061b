namespace Singa.Actors.Graph.Modules
{
    public abstract record Module;
}

namespace Singa.Actors.Graph.Losses
{
    public abstract record Loss;
}

namespace Singa.Actors.Graph.Optimizers
{
    public abstract record Optimizer;

    public sealed record Sgd : Optimizer
    {
        public double LearningRate { get; init; } = 0.01;
    }
}
