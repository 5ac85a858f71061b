using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples by number, ready for a model: normalised, in any order, from any thread.</summary>
public interface ISampleSource
{
    long Count { get; }

    /// <summary>One sample's type, as in <c>float32[1, 28, 28]</c>.</summary>
    TensorType Sample { get; }

    /// <summary>One label's type, as in <c>int32[]</c> where a sample is of one class.</summary>
    TensorType Label { get; }

    /// <summary>Labels are 0 up to, not including, this; 0 where there are no classes.</summary>
    int Classes { get; }

    /// <summary>
    /// Writes the samples one after the other: <paramref name="inputs"/> holds <c>samples.Length × Sample.Bytes</c> bytes,
    /// <paramref name="labels"/> <c>samples.Length × Label.Bytes</c>, both aligned for their elements. Allocates nothing.
    /// </summary>
    /// <param name="epoch">
    /// From 0. Windows of a text and augmented images are other ones in each epoch, as a pure function of (seed, epoch, sample); most
    /// sources and all test samples do not care.
    /// </param>
    void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels);
}
