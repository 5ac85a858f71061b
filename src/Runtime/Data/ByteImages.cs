using System.Runtime.InteropServices;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// Images kept as the bytes they came as, a quarter of what floats would take, each plane after plane; normalised as they are read. Samples
/// are float32 [channels, rows, columns], labels class numbers.
/// </summary>
public sealed class ByteImages : ISampleSource
{
    private readonly ReadOnlyMemory<byte>[] images;
    private readonly int[] labels;
    private readonly float[][] tables;
    private readonly int plane;

    /// <exception cref="ArgumentException">An image has not the size of the others.</exception>
    public ByteImages(Shape image, IEnumerable<ReadOnlyMemory<byte>> images, int[] labels, int classes, Normalisation normalisation)
    {
        (this.images, this.labels, Classes) = ([.. images], labels, classes);
        Sample = new TensorType(DType.Float32, image);
        plane = checked((int)(image[1] * image[2]));
        tables = [.. Enumerable.Range(0, (int)image[0]).Select(normalisation.Table)];
        if (this.images.Length != labels.Length || Array.Exists(this.images, i => i.Length != image.Count))
            throw new ArgumentException($"{this.images.Length} images with {labels.Length} labels are not all of {image}");
    }

    /// <summary>Images one after the other in one array.</summary>
    public ByteImages(Shape image, ReadOnlyMemory<byte> pixels, ReadOnlySpan<byte> labels, int classes, Normalisation normalisation)
        : this(image, Cut(pixels, checked((int)image.Count)), Widened(labels), classes, normalisation)
    {
    }

    public long Count => labels.Length;

    public TensorType Sample { get; }

    public TensorType Label => new(DType.Int32, Shape.Scalar);

    public int Classes { get; }

    /// <summary>An image as it came, plane after plane, row by row.</summary>
    public ReadOnlySpan<byte> Pixels(long sample) => images[sample].Span;

    public void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels)
    {
        var values = MemoryMarshal.Cast<byte, float>(inputs);
        var numbers = MemoryMarshal.Cast<byte, int>(labels);
        for (int i = 0; i < samples.Length; i++)
        {
            var target = values.Slice(i * tables.Length * plane, tables.Length * plane);
            Write(Pixels(samples[i]), target);
            numbers[i] = this.labels[samples[i]];
        }
    }

    private void Write(ReadOnlySpan<byte> image, Span<float> target)
    {
        for (int channel = 0; channel < tables.Length; channel++)
        {
            var (table, first) = (tables[channel], channel * plane);
            for (int pixel = 0; pixel < plane; pixel++)
                target[first + pixel] = table[image[first + pixel]];
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Cut(ReadOnlyMemory<byte> pixels, int each)
    {
        if (pixels.Length % each != 0)
            throw new ArgumentException($"{pixels.Length} pixels are not whole images of {each}");
        for (int first = 0; first < pixels.Length; first += each)
            yield return pixels.Slice(first, each);
    }

    private static int[] Widened(ReadOnlySpan<byte> labels)
    {
        var wide = new int[labels.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = labels[i];
        return wide;
    }
}
