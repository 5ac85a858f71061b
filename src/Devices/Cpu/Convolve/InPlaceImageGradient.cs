using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The image's gradient as products that read the result's gradient where it lies (<see cref="Adjoint"/>): each tap is a chain of its own, added to the ones
/// before. With a stride the classes of a tile are computed one after the other and put between one another.
/// </summary>
internal sealed unsafe class InPlaceImageGradient : InPlaceConvolve
{
    private readonly Adjoint adjoint;
    private readonly TapTiles taps;
    private readonly nint[][] places;
    private readonly float* source;
    private readonly float* filter;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];

    private InPlaceImageGradient(ConvolveKernel kernel, Adjoint adjoint, PixelVectors planes, Tiling tiling, TapTiles taps, CpuContext context, Func<Operand, nint> address)
        : base(adjoint.Geometry, planes, tiling, taps.Rows, Together(adjoint, planes, tiling), (float*)address(kernel.Result))
    {
        (this.adjoint, this.taps) = (adjoint, taps);
        source = (float*)address(kernel.Result);
        filter = (float*)address(kernel.Filter);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, Geometry.Samples, context, address);
        var w = Geometry.Window;
        places = [.. adjoint.Classes.Select(c => c.Taps.SelectMany(t => Enumerable.Range(0, Geometry.Channels).Select(k => planes.Tap(k, t.Row + w.PadTop, t.Column + w.PadLeft) * sizeof(float))).ToArray())];
    }

    /// <summary>Null where planes cannot be read in place.</summary>
    public static CpuPhases? Compile(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        var geometry = Geometry.Of(kernel).Flat;
        var tiling = new Tiling(DType.Float32, context.Width);
        if (kernel.Target.DType != DType.Float32 || kernel.Groups != 1 || geometry is not { Samples: > 0, Channels: > 0, Outputs: > 0, Taps: > 0 } || geometry.Outputs > ContractKernel.BlockLength
            || Adjoint.Create(geometry) is not { } adjoint || PixelVectors.Of(adjoint.Geometry, tiling.Lanes) is not { } planes)
            return null;
        int vectors = Together(adjoint, planes, tiling).Vectors;
        // A single tap reaches one class and leaves nothing to add; the others would be written for nothing.
        if (adjoint.Classes.Length > 1 && geometry.Taps == 1)
            return null;
        // What is put between other pixels comes in whole rows.
        int pixels = Math.Min(vectors, planes.Count) * tiling.Lanes;
        if (adjoint.Classes.Length > 1 && (pixels % adjoint.Geometry.OutWidth != 0 || adjoint.Geometry.OutPixels % pixels != 0))
            return null;
        // Where all tiles would take too much memory, some of the channels at a time.
        int heights = Math.Min(tiling.RowsMax(vectors), geometry.Channels);
        int atOnce = (int)Math.Clamp(context.SharedScratchMost / TapTiles.Bytes(geometry, 1) / heights * heights, heights, geometry.Channels);
        var shared = new SharedScratch(TapTiles.Bytes(geometry, atOnce));
        var phases = new List<CpuKernel>();
        for (int first = 0; first < geometry.Channels; first += atOnce)
        {
            int count = Math.Min(atOnce, geometry.Channels - first);
            var tiles = new TapTiles(geometry, first, count, tiling.Tiles(count, vectors), (float*)address(kernel.Filter), shared);
            phases.Add(tiles);
            phases.Add(new InPlaceImageGradient(kernel, adjoint, planes, tiling, tiles, context, address));
        }

        return new CpuPhases(shared, [.. phases]);
    }

    /// <summary>
    /// Each step reads another line for each vector, or two where the vectors of a sample do not lie side by side: then fewer vectors and more
    /// rows are faster.
    /// </summary>
    private static (int Samples, int Vectors) Together(Adjoint adjoint, PixelVectors planes, Tiling tiling) =>
        Together(adjoint.Geometry, planes, planes.Count < tiling.VectorsMax ? Math.Max(planes.Count, tiling.VectorsMax / 2) : tiling.VectorsMax);

    private Geometry Image => adjoint.Of;

    protected override double Work => (double)taps.Rows * Image.Outputs * Image.Taps * Image.OutPixels * Image.Samples;

    /// <summary>A tile of each class.</summary>
    protected override long BufferBytes => (long)adjoint.Classes.Length * TileElements * sizeof(float);

    private nint TileElements => (nint)Tiling.RowsMax(1) * Tiling.PanelColumns;

    protected override void Panel(int firstSample, int vector, int vectors, int firstTile, int endTile, float* from, float* buffer)
    {
        int lanes = Tiling.Lanes, sample = firstSample + vector / Planes.Count, pixel = vector % Planes.Count * lanes;
        bool direct = adjoint.Classes.Length == 1 && vector / Planes.Count == (vector + vectors - 1) / Planes.Count;
        nint rowElements = direct ? Image.Pixels : vectors * lanes;
        var tiles = MicroKernel.Tiles(Tiling, taps.Rows, TileCount, vectors, isFar: false, Placed.B);
        for (int t = firstTile; t < endTile; t++)
        {
            int row = tiles.First(t), height = tiles.Rows(t), channel = taps.FirstRow + row;
            float* tile = direct ? Target(sample, channel) + pixel : buffer;
            if (direct)
            {
                Cache.Fetch((byte*)tile, rowElements * sizeof(float), height, vectors * lanes * sizeof(float));
                epilogue?.Fetch(height, vectors * lanes, channel, pixel, epilogueOffsets[sample]);
            }

            for (int c = 0; c < places.Length; c++)
            {
                float* to = tile + c * TileElements;
                for (int i = 0; i < height; i++)
                    new Span<float>(to + i * rowElements, vectors * lanes).Clear();
                if (taps.IsSpecial(t))
                    Exactly(adjoint.Classes[c], firstSample, vector, vectors, channel, height, to, rowElements);
                else
                    Multiply(c, tiles.Kernel(t), row, height, from, vector, to, rowElements);
            }

            if (direct)
                epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, vectors * lanes, channel, pixel, epilogueOffsets[sample]);
            else
                Store(sample, pixel, vectors, channel, height, tile);
        }
    }

    private void Multiply(int number, PlacedKernelDelegate kernel, int row, int height, float* from, int vector, float* tile, nint rowElements)
    {
        var reaching = adjoint.Classes[number].Taps;
        if (reaching.Length == 0)
            return;
        fixed (nint* place = places[number], corner = &Corners[vector])
        {
            for (int i = 0; i < reaching.Length; i++)
                kernel((byte*)taps.Tile(row, height, reaching[i].Tap), sizeof(float), (nint)height * sizeof(float), (byte*)from, (byte*)tile, rowElements * sizeof(float),
                    Geometry.Channels, TileMode.Add, place + (nint)i * Geometry.Channels, corner);
        }
    }

    /// <summary>Weights that are no numbers must not meet the zeros around the planes: taps that reach a pixel only, one by one.</summary>
    private void Exactly(AdjointClass pixels, int firstSample, int vector, int vectors, int channel, int height, float* tile, nint rowElements)
    {
        for (int column = 0; column < vectors * Tiling.Lanes; column++)
        {
            var (sample, pixel) = Math.DivRem(vector * Tiling.Lanes + column, Geometry.OutPixels);
            float* gradients = source + (nint)(firstSample + sample) * Image.Outputs * Image.OutPixels;
            foreach (var tap in pixels.Taps)
            {
                int y = pixel / Geometry.OutWidth + tap.Row, x = pixel % Geometry.OutWidth + tap.Column;
                if ((uint)y >= (uint)Image.OutHeight || (uint)x >= (uint)Image.OutWidth)
                    continue;
                for (int row = 0; row < height; row++)
                {
                    float chain = 0;
                    for (int output = 0; output < Image.Outputs; output++)
                        chain = float.FusedMultiplyAdd(filter[((nint)output * Image.Channels + channel + row) * Image.Taps + tap.Tap], gradients[(nint)output * Image.OutPixels + y * Image.OutWidth + x], chain);
                    tile[row * rowElements + column] += chain;
                }
            }
        }
    }

    private float* Target(int sample, int channel) => target + ((nint)sample * Image.Channels + channel) * Image.Pixels;

    /// <summary>Vectors of several samples, or of several classes: whole rows, or all pixels, of each sample.</summary>
    private void Store(int sample, int pixel, int vectors, int channel, int height, float* tiles)
    {
        int pitch = vectors * Tiling.Lanes, classes = adjoint.Classes.Length;
        for (int done = 0; done < pitch; sample++, pixel = 0)
        {
            int count = Math.Min(pitch - done, Geometry.OutPixels - pixel), first = pixel * classes;
            for (int i = 0; i < height; i++)
            {
                float* to = Target(sample, channel + i) + first;
                if (classes == 1)
                    Packing.Copy(tiles + (nint)i * pitch + done, to, count);
                else
                    Between(tiles + (nint)i * pitch + done, count, to);
            }

            epilogue?.Apply((byte*)(Target(sample, channel) + first), (nint)Image.Pixels * sizeof(float), height, count * classes, channel, first, epilogueOffsets[sample]);
            done += count;
        }
    }

    /// <summary>Rows of all classes, <paramref name="count"/> pixels of each, to their places among one another.</summary>
    private void Between(float* tiles, int count, float* target)
    {
        var w = Image.Window;
        for (int done = 0; done < count; done += Geometry.OutWidth)
        {
            for (int row = 0; row < w.StrideHeight; row++, target += Image.Width, tiles += w.StrideWidth * TileElements)
                Interleave.Rows(tiles, TileElements, w.StrideWidth, Geometry.OutWidth, target);
            tiles += Geometry.OutWidth - w.StrideHeight * w.StrideWidth * TileElements;
        }
    }
}
