using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// What forward convolutions and image gradients that read planes where they lie (<see cref="PixelVectors"/>) have in common: rows are channels that come
/// out, in tiles, columns vectors of pixels. A tile is computed where it belongs, if its pixels lie side by side there. A part is some samples, or some
/// tiles of these. Single precision, one group.
/// </summary>
internal abstract unsafe class InPlaceConvolve : CpuKernel
{
    private readonly PixelVectors planes;
    private readonly Tiling tiling;
    private readonly int firstChannel, rows, together, vectorsMax, tileCount;
    private readonly (int Rows, int Columns) classes;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private int rowParts = 1;

    /// <param name="geometry">As a forward convolution; of one class where the target's pixels are of several.</param>
    /// <param name="channels">Those that come out here.</param>
    /// <param name="together">Samples that are there at a time, and vectors that are multiplied at a time.</param>
    protected InPlaceConvolve(ConvolveKernel kernel, Geometry geometry, PixelVectors planes, Tiling tiling, (int First, int Count) channels, (int Samples, int Vectors) together,
        CpuContext context, Func<Operand, nint> address)
    {
        (Geometry, this.planes, this.tiling) = (geometry, planes, tiling);
        (firstChannel, rows) = channels;
        (this.together, vectorsMax) = together;
        tileCount = tiling.Tiles(rows, vectorsMax);
        bool isForward = kernel.Form == ConvolveForm.Forward;
        classes = isForward ? (1, 1) : (kernel.Window.StrideHeight, kernel.Window.StrideWidth);
        Source = (float*)address(isForward ? kernel.Image : kernel.Result);
        Filter = (float*)address(kernel.Filter);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
        Corners = [.. Enumerable.Range(0, this.together * planes.Count).Select(v => (v / planes.Count * planes.Elements + planes.Place(v % planes.Count)) * sizeof(float))];
    }

    protected Geometry Geometry { get; }

    /// <summary>Classes of the target's pixels, each with a tile of its own.</summary>
    protected int Classes => classes.Rows * classes.Columns;

    protected float* Source { get; }

    protected float* Filter { get; }

    /// <summary>Where the vectors of the samples that are there lie, in bytes.</summary>
    protected nint[] Corners { get; }

    protected int Lanes => tiling.Lanes;

    /// <summary>From the tile of a class to that of the next.</summary>
    protected nint TileElements => (nint)tiling.RowsMax(1) * tiling.PanelColumns;

    /// <summary>Of the whole kernel.</summary>
    protected abstract double MultiplyAdds { get; }

    /// <summary>Whether what is multiplied by lies beyond the cache, its steps side by side.</summary>
    protected virtual bool IsFar => false;

    private int Units => (Geometry.Samples + together - 1) / together;

    private long PlaneBytes => planes.IsCopy ? (together * (long)planes.Elements * sizeof(float) + Panels.OverrunBytes + 63) / 64 * 64 : 0;

    public sealed override long ScratchBytesPerThread => PlaneBytes + (long)Classes * TileElements * sizeof(float);

    public sealed override int Parts(int threads)
    {
        if (threads == 1 || MultiplyAdds < Work.MultiplyAddsMin)
            return 1;
        if (Units < threads * 2)
            rowParts = Math.Clamp(threads * 2 / Units, 1, tileCount);
        return Math.Min(Units * rowParts, threads * 8);
    }

    public sealed override void Run(int part, int parts, int thread, byte* scratch)
    {
        if (planes.IsCopy)
            NativeMemory.Clear(scratch, (nuint)PlaneBytes);
        int filled = -1;
        var (first, end) = Share((long)Units * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int sample = (int)(unit / rowParts) * together, samples = Math.Min(together, Geometry.Samples - sample);
            float* from = Source + (nint)sample * Geometry.Channels * Geometry.Pixels;
            if (planes.IsCopy && filled != sample)
                Fill(from, samples, (float*)scratch);
            filled = sample;
            var (tile, tileEnd) = Share(tileCount, 1, (int)(unit % rowParts), rowParts);
            for (int vector = 0; vector < samples * planes.Count; vector += vectorsMax)
                Panel(new Columns(sample, vector, Math.Min(vectorsMax, samples * planes.Count - vector), (nint)(planes.IsCopy ? scratch : (byte*)from)), (int)tile, (int)tileEnd, (float*)(scratch + PlaneBytes));
        }
    }

    /// <summary>Some vectors of the samples that are there.</summary>
    /// <param name="FirstSample">The first of these.</param>
    /// <param name="Vector">Counted over them.</param>
    /// <param name="Planes">Where their planes lie.</param>
    protected readonly record struct Columns(int FirstSample, int Vector, int Vectors, nint Planes);

    /// <summary>Computes a tile of each class, one behind the other.</summary>
    /// <param name="rowElements">From a row of the tile to the next.</param>
    protected abstract void Multiply(in Columns columns, PlacedKernelDelegate kernel, int number, int row, int height, float* tile, nint rowElements);

    /// <summary>Samples of few vectors are multiplied several at a time.</summary>
    /// <param name="most">Vectors of a panel.</param>
    protected static (int Samples, int Vectors) Together(Geometry geometry, PixelVectors planes, int most)
    {
        int samples = Math.Clamp(most / planes.Count, 1, geometry.Samples);
        return (samples, Math.Min(most, samples * planes.Count));
    }

    private void Fill(float* from, int samples, float* scratch)
    {
        nint sample = (nint)Geometry.Channels * Geometry.Pixels;
        for (int i = 0; i < samples; i++)
            planes.Fill(from + i * sample, scratch + i * planes.Elements, Source, Source + Geometry.Samples * sample);
    }

    private void Panel(in Columns columns, int firstTile, int endTile, float* buffer)
    {
        int width = columns.Vectors * Lanes, sample = columns.FirstSample + columns.Vector / planes.Count, pixel = columns.Vector % planes.Count * Lanes;
        bool direct = Classes == 1 && pixel + width <= Geometry.OutPixels;
        nint rowElements = direct ? Geometry.OutPixels : width;
        var tiles = MicroKernel.Tiles(tiling, rows, tileCount, columns.Vectors, IsFar, Placed.B);
        for (int t = firstTile; t < endTile; t++)
        {
            int row = tiles.First(t), height = tiles.Rows(t), channel = firstChannel + row;
            float* tile = direct ? Target(sample, channel) + pixel : buffer;
            if (direct)
            {
                Cache.Fetch((byte*)tile, rowElements * sizeof(float), height, width * sizeof(float));
                epilogue?.Fetch(height, width, channel, pixel, epilogueOffsets[sample]);
            }

            Multiply(columns, tiles.Kernel(t), t, row, height, tile, rowElements);
            if (direct)
                epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, width, channel, pixel, epilogueOffsets[sample]);
            else
                Store(sample, pixel, width, channel, height, tile);
        }
    }

    private float* Target(int sample, int channel) => target + ((nint)sample * Geometry.Outputs + channel) * Geometry.OutPixels * Classes;

    /// <summary>Vectors of several samples, or of several classes: whole rows, or all pixels, of each sample.</summary>
    private void Store(int sample, int pixel, int width, int channel, int height, float* tiles)
    {
        for (int done = 0; done < width; sample++, pixel = 0)
        {
            int count = Math.Min(width - done, Geometry.OutPixels - pixel), first = pixel * Classes;
            float* to = Target(sample, channel) + first;
            nint apart = (nint)Geometry.OutPixels * Classes;
            for (int i = 0; i < height; i++)
            {
                if (Classes == 1)
                    Packing.Copy(tiles + (nint)i * width + done, to + i * apart, count);
                else
                    Between(tiles + (nint)i * width + done, count, to + i * apart);
            }

            epilogue?.Apply((byte*)to, apart * sizeof(float), height, count * Classes, channel, first, epilogueOffsets[sample]);
            done += count;
        }
    }

    /// <summary>Rows of all classes, <paramref name="count"/> pixels of each, to their places among one another.</summary>
    private void Between(float* tiles, int count, float* to)
    {
        for (int done = 0; done < count; done += Geometry.OutWidth)
        {
            for (int row = 0; row < classes.Rows; row++, to += classes.Columns * Geometry.OutWidth, tiles += classes.Columns * TileElements)
                Interleave.Rows(tiles, TileElements, classes.Columns, Geometry.OutWidth, to);
            tiles += Geometry.OutWidth - Classes * TileElements;
        }
    }
}
