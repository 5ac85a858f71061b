using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples in arrays of the host, taken as they are.</summary>
internal sealed class InMemorySamples : ISampleSource
{
    private readonly ReadOnlyMemory<float> inputs;
    private readonly ReadOnlyMemory<int> labels;
    private readonly int each;

    /// <param name="which">"training" or "test", for the sentence of a refusal.</param>
    public InMemorySamples(Shape sample, int classes, ReadOnlyMemory<float> inputs, ReadOnlyMemory<int> labels, string which)
    {
        (Sample, Classes, this.inputs, this.labels) = (new TensorType(DType.Float32, sample), classes, inputs, labels);
        each = checked((int)sample.Count);
        if (inputs.Length != (long)labels.Length * each)
        {
            throw new JobRefusedException(
                $"the {which} inputs hold {inputs.Length:N0} values, but {labels.Length:N0} labels with samples of {sample} need "
                + $"{(long)labels.Length * each:N0}; give as many samples as labels");
        }

        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels.Span[i] >= (uint)classes)
                throw new JobRefusedException($"{which} label {i} is {labels.Span[i]}, outside 0 … {classes - 1}; correct it or set Classes");
        }
    }

    public long Count => labels.Length;

    public TensorType Sample { get; }

    public TensorType Label => new(DType.Int32, Shape.Scalar);

    public int Classes { get; }

    public void Read(ReadOnlySpan<long> samples, Span<float> inputs, Span<int> labels)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            int sample = checked((int)samples[i]);
            this.inputs.Span.Slice(sample * each, each).CopyTo(inputs[(i * each)..]);
            labels[i] = this.labels.Span[sample];
        }
    }
}
