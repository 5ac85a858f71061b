using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Tests.Data;

internal static class Reading
{
    /// <summary>Samples as arrays of what they are.</summary>
    public static (TInput[] Inputs, TLabel[] Labels) Read<TInput, TLabel>(this ISampleSource source, int epoch, params ReadOnlySpan<long> samples)
        where TInput : unmanaged where TLabel : unmanaged
    {
        Assert.Equal((DTypes.Of<TInput>(), DTypes.Of<TLabel>()), (source.Sample.DType, source.Label.DType));
        var inputs = new TInput[samples.Length * source.Sample.Shape.Count];
        var labels = new TLabel[samples.Length * source.Label.Shape.Count];
        source.Read(epoch, samples, MemoryMarshal.AsBytes(inputs.AsSpan()), MemoryMarshal.AsBytes(labels.AsSpan()));
        return (inputs, labels);
    }
}
