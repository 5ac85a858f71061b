using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>Grey images kept as the bytes they came as, a quarter of what floats would take; normalised as they are read.</summary>
public sealed class ByteImages : ISampleSource
{
    private readonly ReadOnlyMemory<byte> pixels;
    private readonly ReadOnlyMemory<byte> labels;
    private readonly float[] table;
    private readonly int pixelsEach;

    public ByteImages(ReadOnlyMemory<byte> pixels, ReadOnlyMemory<byte> labels, int rows, int columns, int classes, Normalisation normalisation)
    {
        pixelsEach = rows * columns;
        if (pixels.Length != (long)labels.Length * pixelsEach)
            throw new ArgumentException($"{pixels.Length} pixels are not {labels.Length} images of {rows}×{columns}");
        this.pixels = pixels;
        this.labels = labels;
        Classes = classes;
        Sample = new TensorType(DType.Float32, Shape.Of(1, rows, columns));
        table = normalisation.Table();
    }

    public long Count => labels.Length;

    public TensorType Sample { get; }

    public TensorType Label => new(DType.Int32, Shape.Scalar);

    public int Classes { get; }

    /// <summary>An image as it came, row by row.</summary>
    public ReadOnlySpan<byte> Pixels(long sample) => pixels.Span.Slice(checked((int)sample * pixelsEach), pixelsEach);

    public void Read(ReadOnlySpan<long> samples, Span<float> inputs, Span<int> labels)
    {
        var known = this.labels.Span;
        for (int i = 0; i < samples.Length; i++)
        {
            var image = Pixels(samples[i]);
            var target = inputs.Slice(i * pixelsEach, pixelsEach);
            for (int pixel = 0; pixel < image.Length; pixel++)
                target[pixel] = table[image[pixel]];
            labels[i] = known[(int)samples[i]];
        }
    }
}
