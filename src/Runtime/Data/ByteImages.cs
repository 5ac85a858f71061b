using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data.Images;

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
    private readonly int height, width, rows, columns;
    private readonly Augmenter? augmenter;

    /// <param name="image">[channels, rows, columns] of each image.</param>
    /// <exception cref="ArgumentException">An image has not the size of the others.</exception>
    public ByteImages(Shape image, IEnumerable<ReadOnlyMemory<byte>> images, int[] labels, int classes, Normalisation normalisation)
        : this(image, images, labels, classes, normalisation, image, null)
    {
    }

    /// <summary>Images one after the other in one array.</summary>
    public ByteImages(Shape image, ReadOnlyMemory<byte> pixels, ReadOnlySpan<byte> labels, int classes, Normalisation normalisation)
        : this(image, Cut(pixels, checked((int)image.Count)), Widened(labels), classes, normalisation)
    {
    }

    /// <param name="window">What a sample shows of an image: its middle, unless an augmenter says otherwise.</param>
    internal ByteImages(
        Shape image, IEnumerable<ReadOnlyMemory<byte>> images, int[] labels, int classes, Normalisation normalisation, Shape window, Augmenter? augmenter)
    {
        (this.images, this.labels, Classes, this.augmenter) = ([.. images], labels, classes, augmenter);
        Sample = new TensorType(DType.Float32, window);
        (height, width, rows, columns) = ((int)image[1], (int)image[2], (int)window[1], (int)window[2]);
        tables = [.. Enumerable.Range(0, (int)image[0]).Select(normalisation.Table)];
        if (this.images.Length != labels.Length || Array.Exists(this.images, i => i.Length != image.Count))
            throw new ArgumentException($"{this.images.Length} images with {labels.Length} labels are not all of {image}");
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
        int each = tables.Length * rows * columns;
        for (int i = 0; i < samples.Length; i++)
        {
            var view = augmenter?.Draw(epoch, samples[i], height - rows, width - columns)
                ?? new ImageView((height - rows) / 2, (width - columns) / 2, Flipped: false);
            Write(Pixels(samples[i]), view, values.Slice(i * each, each));
            numbers[i] = this.labels[samples[i]];
        }
    }

    private void Write(ReadOnlySpan<byte> image, ImageView view, Span<float> target)
    {
        for (int channel = 0; channel < tables.Length; channel++)
        {
            var plane = image.Slice(channel * height * width, height * width);
            for (int row = 0; row < rows; row++)
                Write(plane, view, row, tables[channel], target.Slice((channel * rows + row) * columns, columns));
        }
    }

    private void Write(ReadOnlySpan<byte> plane, ImageView view, int row, float[] table, Span<float> target)
    {
        int from = view.Row + row;
        // What of the row lies within the image; the rest is black.
        int first = Math.Clamp(-view.Column, 0, columns), end = Math.Clamp(width - view.Column, first, columns);
        if ((uint)from >= (uint)height)
            first = end = 0;
        target[..first].Fill(table[0]);
        target[end..].Fill(table[0]);
        if (end > first)
        {
            var source = plane.Slice(from * width + view.Column + first, end - first);
            for (int i = 0; i < source.Length; i++)
                target[first + i] = table[source[i]];
        }

        if (view.Flipped)
            target.Reverse();
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
