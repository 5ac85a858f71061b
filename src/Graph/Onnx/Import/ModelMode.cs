using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// That a model is built to be trained further, or to answer as one that is: batch norms take their figures from the batch in training and
/// keep running ones, dropout drops. <c>Statistics</c>: the running figures' names, and how much of itself each keeps in a step.
/// </summary>
/// <param name="fixedSamples">The number of samples that the file says it is for; 0: any.</param>
internal sealed class ModelMode(ModuleContext context, IReadOnlyDictionary<string, double> statistics, long samples, long fixedSamples)
{
    private readonly Dictionary<string, Tensor> observed = [];

    public ModuleContext Context => context;

    public bool Training => context.Training;

    public IReadOnlyDictionary<string, double> Statistics => statistics;

    /// <summary>
    /// A shape that a node asks for, for as many samples as there are: files for one sample often say so in the first dimension of shapes.
    /// </summary>
    public long[] Rebatched(Shape from, long[] wanted)
    {
        if (fixedSamples == 0 || fixedSamples == samples || wanted.Length == 0 || wanted[0] != fixedSamples || from.Rank == 0 || from[0] != samples)
            return wanted;
        bool fits = !wanted.Contains(-1) && wanted.Aggregate(1L, (n, d) => n * d) == from.Count;
        return fits ? wanted : [samples, .. wanted[1..]];
    }

    /// <summary>What this shard sees of a statistic.</summary>
    /// <exception cref="OnnxUnsupportedException">Two nodes share it.</exception>
    public void Observe(string statistic, Tensor value)
    {
        if (!observed.TryAdd(statistic, value))
            throw new OnnxUnsupportedException($"running statistic '{statistic}' belongs to two nodes, which cannot both train it");
    }

    public Tensor Observed(string statistic) => observed.GetValueOrDefault(statistic) ?? throw new OnnxException($"no node observes statistic '{statistic}'");
}
