using System.Collections.Immutable;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>The graph of a number of samples: one shard's work, or an evaluation's. <c>Trained</c>: the parameters that are not frozen.</summary>
internal sealed record ShardGraph(Tensor Samples, Tensor Labels, Tensor Output, Tensor LossSum, Tensor CorrectSum,
    ImmutableArray<ParameterSpec> Parameters, ImmutableArray<ParameterSpec> Trained, ImmutableArray<StatisticSpec> Statistics)
{
    public static ShardGraph Trace(TrainingDefinition job, int samples, bool training)
    {
        var (x, _, output, requests) = ModelTrace.Of(job.Model, job.Sample, job.Seed, samples, training);
        var y = Placeholder.Create("labels", new TensorType(job.Label.DType, job.Label.Shape.Prepend(samples)), BlockKind.Input);
        var target = job.Loss.ReconstructsInput ? x : y;
        var loss = job.Loss.PerSample(output, target).SumAll();
        var correct = job.Loss.Correct(output, target)?.SumAll() ?? Fill.Create(DType.Float32, Shape.Scalar, 0);
        Node.Label(loss, "loss");
        Node.Label(correct, "metrics");
        return new ShardGraph(x, y, output, loss, correct, [.. requests.Parameters],
            [.. requests.Parameters.Where(p => !NamePattern.Any(job.Frozen, p.Name))], [.. requests.Statistics]);
    }

    /// <summary>How many right classes are among the <c>TopK</c> most likely.</summary>
    /// <exception cref="GraphException">The loss knows no such thing.</exception>
    public Tensor AmongSum(TrainingDefinition job)
    {
        var among = job.Loss.Among(Output, job.Loss.ReconstructsInput ? Samples : Labels, job.TopK)?.SumAll()
            ?? throw new GraphException($"top-k is for losses over classes, not for {LossCatalog.NameOf(job.Loss)}");
        Node.Label(among, "metrics");
        return among;
    }

    /// <exception cref="GraphException">What is to be frozen is not there, or leaves nothing to train.</exception>
    public void CheckFrozen(Seq<string> patterns)
    {
        if (patterns.FirstOrDefault(f => !Parameters.Any(p => NamePattern.Matches(f, p.Name))) is { } idle)
            throw new GraphException($"no parameter matches '{idle}', which is to be frozen; there are {string.Join(", ", Parameters.Select(p => p.Name))}");
        if (Trained.IsEmpty)
            throw new GraphException(Parameters.IsEmpty ? "the model has no parameters: there is nothing to train" : "every parameter is frozen: there is nothing to train");
    }
}
