using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Runtime.Data.Text;

/// <summary>
/// A range of a text cut into windows of consecutive tokens: int32 [length], and as labels the token that follows each. For training each
/// epoch cuts at another place, which is a pure function of (seed, epoch); every epoch has as many windows.
/// </summary>
internal sealed class TextWindows : ISampleSource
{
    private readonly Tokens tokens;
    private readonly long first;
    private readonly int length;
    private readonly ulong? key;

    /// <param name="range">Where the range begins and ends in the text.</param>
    /// <param name="seed">Null: windows begin at the beginning of the range.</param>
    public TextWindows(Tokens tokens, (long First, long End) range, int length, int vocabulary, ulong? seed)
    {
        (this.tokens, first, this.length, Classes) = (tokens, range.First, length, vocabulary);
        key = seed is { } s ? Philox.Key(s, "text windows") : null;
        Count = key is null ? TestCount(range.End - first, length) : TrainCount(range.End - first, length);
        Sample = new TensorType(DType.Int32, Shape.Of(length));
    }

    public long Count { get; }

    public TensorType Sample { get; }

    public TensorType Label => Sample;

    public int Classes { get; }

    /// <summary>Whole windows in so many tokens wherever they begin; each needs one token more for its last label.</summary>
    public static long TrainCount(long tokens, int length) => Math.Max(0, tokens / length - 1);

    /// <summary>Whole windows in so many tokens from their beginning on.</summary>
    public static long TestCount(long tokens, int length) => Math.Max(0, (tokens - 1) / length);

    public void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels)
    {
        long start = first + Offset(epoch);
        var input = MemoryMarshal.Cast<byte, int>(inputs);
        var label = MemoryMarshal.Cast<byte, int>(labels);
        for (int i = 0; i < samples.Length; i++)
        {
            long window = start + samples[i] * length;
            tokens.Copy(window, input.Slice(i * length, length));
            tokens.Copy(window + 1, label.Slice(i * length, length));
        }
    }

    private long Offset(int epoch)
    {
        if (key is not { } k)
            return 0;
        var (low, high, _, _) = Philox.Block(k, (ulong)epoch, 0);
        return (long)(((UInt128)(low | ((ulong)high << 32)) * (ulong)length) >> 64);
    }
}
