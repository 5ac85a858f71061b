using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples by number, ready for a model: normalised, in any order, from any thread.</summary>
public interface ISampleSource
{
    long Count { get; }

    /// <summary>One sample's type, as in <c>float32[1, 28, 28]</c>.</summary>
    TensorType Sample { get; }

    /// <summary>One label's type: an int32 scalar where there are classes.</summary>
    TensorType Label { get; }

    /// <summary>Labels are 0 up to, not including, this; 0 where there are no classes.</summary>
    int Classes { get; }

    /// <summary>
    /// Writes the samples one after the other: <paramref name="inputs"/> holds <c>samples.Length × Sample.Shape.Count</c> values,
    /// <paramref name="labels"/> one value a sample.
    /// </summary>
    void Read(ReadOnlySpan<long> samples, Span<float> inputs, Span<int> labels);
}
