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

    private InPlaceImageGradient(ConvolveKernel kernel, Adjoint adjoint, PixelVectors planes, Tiling tiling, TapTiles taps, CpuContext context, Func<Operand, nint> address)
        : base(kernel, adjoint.Geometry, planes, tiling, (taps.FirstRow, taps.Rows), Together(adjoint, planes, tiling), context, address)
    {
        (this.adjoint, this.taps) = (adjoint, taps);
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

    protected override double MultiplyAdds => (double)taps.Rows * Image.Outputs * Image.Taps * Image.OutPixels * Image.Samples;

    protected override void Multiply(in Columns columns, PlacedKernelDelegate kernel, int number, int row, int height, float* tile, nint rowElements)
    {
        for (int c = 0; c < Classes; c++, tile += TileElements)
        {
            for (int i = 0; i < height; i++)
                new Span<float>(tile + i * rowElements, columns.Vectors * Lanes).Clear();
            if (taps.IsSpecial(number))
                Exactly(adjoint.Classes[c], columns, taps.FirstRow + row, height, tile, rowElements);
            else
                Multiply(c, columns, kernel, row, height, tile, rowElements);
        }
    }

    private void Multiply(int number, in Columns columns, PlacedKernelDelegate kernel, int row, int height, float* tile, nint rowElements)
    {
        var reaching = adjoint.Classes[number].Taps;
        if (reaching.Length == 0)
            return;
        fixed (nint* place = places[number], corner = &Corners[columns.Vector])
        {
            for (int i = 0; i < reaching.Length; i++)
                kernel((byte*)taps.Tile(row, height, reaching[i].Tap), sizeof(float), (nint)height * sizeof(float), (byte*)columns.Planes, (byte*)tile, rowElements * sizeof(float),
                    Geometry.Channels, TileMode.Add, place + (nint)i * Geometry.Channels, corner);
        }
    }

    /// <summary>Weights that are no numbers must not meet the zeros around the planes: taps that reach a pixel only, one by one.</summary>
    private void Exactly(AdjointClass pixels, in Columns columns, int channel, int height, float* tile, nint rowElements)
    {
        for (int column = 0; column < columns.Vectors * Lanes; column++)
        {
            var (sample, pixel) = Math.DivRem(columns.Vector * Lanes + column, Geometry.OutPixels);
            float* gradients = Source + (nint)(columns.FirstSample + sample) * Image.Outputs * Image.OutPixels;
            foreach (var tap in pixels.Taps)
            {
                int y = pixel / Geometry.OutWidth + tap.Row, x = pixel % Geometry.OutWidth + tap.Column;
                if ((uint)y >= (uint)Image.OutHeight || (uint)x >= (uint)Image.OutWidth)
                    continue;
                for (int row = 0; row < height; row++)
                {
                    float chain = 0;
                    for (int output = 0; output < Image.Outputs; output++)
                        chain = float.FusedMultiplyAdd(Filter[((nint)output * Image.Channels + channel + row) * Image.Taps + tap.Tap], gradients[(nint)output * Image.OutPixels + y * Image.OutWidth + x], chain);
                    tile[row * rowElements + column] += chain;
                }
            }
        }
    }
}
