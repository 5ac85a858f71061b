using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples in arrays of the host, taken as they are.</summary>
internal sealed class InMemorySamples : ISampleSource
{
    private readonly HostValues inputs;
    private readonly HostValues labels;
    private readonly int inputsEach;
    private readonly int labelsEach;

    /// <param name="which">"training" or "test", for the sentence of a refusal.</param>
    public InMemorySamples(InMemoryData data, HostValues inputs, HostValues labels, string which)
    {
        (this.inputs, this.labels, Classes) = (inputs, labels, data.Classes);
        (Sample, Label) = (new TensorType(inputs.DType, data.Sample), new TensorType(labels.DType, data.Label));
        (inputsEach, labelsEach) = (checked((int)data.Sample.Count), checked((int)data.Label.Count));
        if (labels.Count % labelsEach != 0)
            throw new JobRefusedException($"the {which} labels hold {labels.Count:N0} values, which are not whole labels of {data.Label}; correct Label or the array");
        Count = labels.Count / labelsEach;
        if (inputs.Count != Count * inputsEach)
        {
            throw new JobRefusedException(
                $"the {which} inputs hold {inputs.Count:N0} values, but {Count:N0} labels with samples of {data.Sample} need "
                + $"{Count * inputsEach:N0}; give as many samples as labels");
        }

        if (Classes > 0)
            CheckClasses(which);
    }

    public long Count { get; }

    public TensorType Sample { get; }

    public TensorType Label { get; }

    public int Classes { get; }

    public void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            int sample = checked((int)samples[i]);
            var input = this.inputs.Bytes(sample * inputsEach, inputsEach);
            var label = this.labels.Bytes(sample * labelsEach, labelsEach);
            input.CopyTo(inputs[(i * input.Length)..]);
            label.CopyTo(labels[(i * label.Length)..]);
        }
    }

    /// <summary>Labels that are floats are probabilities of classes; whole numbers are the classes themselves.</summary>
    private void CheckClasses(string which)
    {
        if (labels.DType.IsFloat())
            return;
        if (labels.DType != DType.Int32)
            throw new JobRefusedException($"the {which} labels are {labels.DType}; class numbers are int, probabilities of classes float");
        for (int i = 0; i < labels.Count; i++)
        {
            int label = MemoryMarshal.Read<int>(labels.Bytes(i, 1));
            if ((uint)label >= (uint)Classes)
                throw new JobRefusedException($"{which} label {i} is {label}, outside 0 … {Classes - 1}; correct it or set Classes");
        }
    }
}
