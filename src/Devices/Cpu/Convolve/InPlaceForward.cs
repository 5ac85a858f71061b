using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Forward convolution as a product that reads planes where they lie: all taps of all channels are one chain.</summary>
internal sealed unsafe class InPlaceForward : InPlaceConvolve
{
    private readonly nint[] places;
    private readonly float* filter;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private readonly int steps;
    private readonly bool isFar;

    private InPlaceForward(ConvolveKernel kernel, Geometry geometry, PixelVectors planes, Tiling tiling, CpuContext context, Func<Operand, nint> address)
        : base(geometry, planes, tiling, geometry.Outputs, Together(geometry, planes, tiling.VectorsMax), (float*)address(kernel.Image))
    {
        steps = geometry.Channels * geometry.Taps;
        filter = (float*)address(kernel.Filter);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
        isFar = Cache.IsBeyond((long)geometry.Outputs * steps * sizeof(float));
        int width = geometry.Window.KernelWidth;
        places = [.. Enumerable.Range(0, steps).Select(k => planes.Tap(k / geometry.Taps, k % geometry.Taps / width, k % geometry.Taps % width) * sizeof(float))];
    }

    /// <summary>Null where planes cannot be read in place.</summary>
    public static InPlaceForward? Of(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        var geometry = Geometry.Of(kernel).Flat;
        var tiling = new Tiling(DType.Float32, context.Width);
        return kernel.Target.DType == DType.Float32 && kernel.Groups == 1 && geometry is { Samples: > 0, Channels: > 0, Outputs: > 0, Taps: > 0 }
            && PixelVectors.Of(geometry, tiling.Lanes) is { } planes ? new(kernel, geometry, planes, tiling, context, address) : null;
    }

    protected override double Work => (double)Geometry.Outputs * steps * Geometry.OutPixels * Geometry.Samples;

    protected override long BufferBytes => (long)Tiling.RowsMax(1) * Tiling.PanelColumns * sizeof(float);

    protected override void Panel(int firstSample, int vector, int vectors, int firstTile, int endTile, float* from, float* buffer)
    {
        int lanes = Tiling.Lanes, sample = firstSample + vector / Planes.Count, pixel = vector % Planes.Count * lanes;
        bool direct = vector / Planes.Count == (vector + vectors - 1) / Planes.Count;
        nint rowElements = direct ? Geometry.OutPixels : vectors * lanes;
        var tiles = MicroKernel.Tiles(Tiling, Geometry.Outputs, TileCount, vectors, isFar, Placed.B);
        for (int t = firstTile; t < endTile; t++)
        {
            int row = tiles.First(t), height = tiles.Rows(t);
            float* tile = direct ? target + ((nint)sample * Geometry.Outputs + row) * Geometry.OutPixels + pixel : buffer;
            if (direct)
            {
                Cache.Fetch((byte*)tile, rowElements * sizeof(float), height, vectors * lanes * sizeof(float));
                epilogue?.Fetch(height, vectors * lanes, row, pixel, epilogueOffsets[sample]);
            }

            Multiply(tiles.Kernel(t), row, from, vector, tile, rowElements);
            if (direct)
                epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, vectors * lanes, row, pixel, epilogueOffsets[sample]);
            else
                Store(sample, pixel, vectors, row, height, tile, rowElements);
        }
    }

    private void Multiply(PlacedKernelDelegate kernel, int row, float* from, int vector, float* tile, nint rowElements)
    {
        fixed (nint* place = places, corner = &Corners[vector])
        {
            for (int step = 0; step < steps; step += ContractKernel.BlockLength)
                kernel((byte*)(filter + (nint)row * steps + step), (nint)steps * sizeof(float), sizeof(float), (byte*)from, (byte*)tile, rowElements * sizeof(float),
                    Math.Min(ContractKernel.BlockLength, steps - step), step == 0 ? TileMode.Store : TileMode.Add, place + step, corner);
        }
    }

    /// <summary>Vectors of several samples: each goes to its own.</summary>
    private void Store(int sample, int pixel, int vectors, int row, int height, float* tile, nint rowElements)
    {
        for (int v = 0; v < vectors; v++, tile += Tiling.Lanes)
        {
            epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, Tiling.Lanes, row, pixel, epilogueOffsets[sample]);
            float* to = target + ((nint)sample * Geometry.Outputs + row) * Geometry.OutPixels + pixel;
            for (int i = 0; i < height; i++)
                Packing.Copy(tile + i * rowElements, to + (nint)i * Geometry.OutPixels, Tiling.Lanes);
            pixel += Tiling.Lanes;
            if (pixel == Geometry.OutPixels)
                (sample, pixel) = (sample + 1, 0);
        }
    }
}
