using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Tables;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime;

/// <summary>What training left: the values, how they came about, and answers. Thread-safe.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly Lazy<Predictor> predictor;

    /// <param name="normalisation">What was done to raw values before the model saw them.</param>
    public TrainedModel(
        TrainingJob job, DataDescription data, Normalisation? normalisation, IEnumerable<NamedTensor> parameters, IEnumerable<NamedTensor> statistics)
        : this(job, data, normalisation, parameters, statistics, Backends.Create)
    {
    }

    internal TrainedModel(
        TrainingJob job, DataDescription data, Normalisation? normalisation, IEnumerable<NamedTensor> parameters, IEnumerable<NamedTensor> statistics,
        Func<DeviceDescription, IBackend> open)
    {
        (Job, Data, Normalisation) = (job, data, normalisation);
        Parameters = parameters.ToImmutableSortedDictionary(p => p.Name, p => p, StringComparer.Ordinal);
        Statistics = statistics.ToImmutableSortedDictionary(p => p.Name, p => p, StringComparer.Ordinal);
        predictor = new Lazy<Predictor>(() => new Predictor(job, data, [.. Parameters.Values, .. Statistics.Values], open));
    }

    /// <summary>What was trained.</summary>
    public TrainingJob Job { get; }

    /// <summary>What it was trained on.</summary>
    public DataDescription Data { get; }

    public Normalisation? Normalisation { get; }

    /// <summary>From text to what the model takes, and back; null where it was trained on something else.</summary>
    public Vocabulary? Vocabulary => Data.Vocabulary;

    public ImmutableSortedDictionary<string, NamedTensor> Parameters { get; }

    public ImmutableSortedDictionary<string, NamedTensor> Statistics { get; }

    /// <summary><c>sha256:…</c> of the parameters.</summary>
    public string Digest => ModelDigest.Of(Parameters.Values);

    /// <summary>The model's answers to one or more samples.</summary>
    /// <param name="samples">Sample after sample, <c>Data.Sample.Shape.Count</c> values each, normalised as the training data was.</param>
    /// <returns>Answer after answer; with classes, one value (a logit) a class, at each position where a sample has several.</returns>
    /// <exception cref="ArgumentException">The values are not whole samples, or the model takes others than floats.</exception>
    public float[] Run(ReadOnlySpan<float> samples) => RunTyped(samples);

    /// <summary>As <see cref="Run(ReadOnlySpan{float})"/>, for models that take whole numbers, as tokens of a text.</summary>
    public float[] Run(ReadOnlySpan<int> samples) => RunTyped(samples);

    /// <summary>As <see cref="Run(ReadOnlySpan{float})"/>, from raw bytes (pixels), which are normalised here where the model takes floats.</summary>
    public float[] Run(ReadOnlySpan<byte> samples)
    {
        if (Data.Sample.DType != DType.Float32)
            return RunTyped(samples);
        var normalisation = Normalisation ?? Normalisation.None;
        var tables = Enumerable.Range(0, normalisation.Channels).Select(normalisation.Table).ToArray();
        long channel = Math.Max(1, Data.Sample.Shape.Count / tables.Length);
        var values = new float[samples.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = tables[i / channel % tables.Length][samples[i]];
        return Run(values);
    }

    /// <summary>A row of a table as the model takes it: its fields in the order of <c>Data.Columns</c>, as they would stand in the file.</summary>
    /// <exception cref="InvalidOperationException">It was not trained on a table.</exception>
    /// <exception cref="ArgumentException">A field is missing, is no number where one is wanted, or is of an unknown category.</exception>
    public float[] Encode(params ReadOnlySpan<string> fields) => Data.Columns.Count > 0 ? TableColumn.Encode(Data.Columns, Normalisation, fields)
        : throw new InvalidOperationException("only a model that was trained on a table takes rows");

    /// <summary>The most likely class of each sample, or of each of its positions.</summary>
    /// <exception cref="InvalidOperationException">The model has no classes.</exception>
    public int[] Classify(ReadOnlySpan<float> samples) => Best(Run(samples));

    /// <inheritdoc cref="Classify(ReadOnlySpan{float})"/>
    public int[] Classify(ReadOnlySpan<int> samples) => Best(Run(samples));

    /// <summary>Gives back the memory that answering took.</summary>
    public void Dispose()
    {
        if (predictor.IsValueCreated)
            predictor.Value.Dispose();
    }

    private float[] RunTyped<T>(ReadOnlySpan<T> samples) where T : unmanaged
    {
        long each = Data.Sample.Shape.Count;
        if (DTypes.Of<T>() != Data.Sample.DType)
            throw new ArgumentException($"the model takes {Data.Sample}, not {DTypes.Of<T>()} values", nameof(samples));
        if (samples.Length % each != 0)
            throw new ArgumentException($"{samples.Length} values are not whole samples of {Data.Sample.Shape}, which have {each} each", nameof(samples));
        return predictor.Value.Run(MemoryMarshal.AsBytes(samples), checked((int)(samples.Length / each)));
    }

    private int[] Best(float[] answers)
    {
        if (Data.Classes == 0)
            throw new InvalidOperationException("a model without classes does not classify; Run gives its answers");
        var classes = new int[answers.Length / Data.Classes];
        for (int i = 0; i < classes.Length; i++)
        {
            var answer = answers.AsSpan(i * Data.Classes, Data.Classes);
            int best = 0;
            for (int c = 1; c < answer.Length; c++)
                best = answer[c] > answer[best] ? c : best;
            classes[i] = best;
        }

        return classes;
    }
}
