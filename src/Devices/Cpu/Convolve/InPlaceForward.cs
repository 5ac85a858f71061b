using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Forward convolution as a product that reads planes where they lie: all taps of all channels are one chain.</summary>
internal sealed unsafe class InPlaceForward : InPlaceConvolve
{
    private readonly nint[] places;
    private readonly int steps;

    private InPlaceForward(ConvolveKernel kernel, Geometry geometry, PixelVectors planes, Tiling tiling, CpuContext context, Func<Operand, nint> address)
        : base(kernel, geometry, planes, tiling, (0, geometry.Outputs), Together(geometry, planes, tiling.VectorsMax), context, address)
    {
        steps = geometry.Channels * geometry.Taps;
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

    protected override double MultiplyAdds => (double)Geometry.Outputs * steps * Geometry.OutPixels * Geometry.Samples;

    protected override bool IsFar => Cache.IsBeyond((long)Geometry.Outputs * steps * sizeof(float));

    protected override void Multiply(in Columns columns, PlacedKernelDelegate kernel, int number, int row, int height, float* tile, nint rowElements)
    {
        fixed (nint* place = places, corner = &Corners[columns.Vector])
        {
            for (int step = 0; step < steps; step += ContractKernel.BlockLength)
                kernel((byte*)(Filter + (nint)row * steps + step), (nint)steps * sizeof(float), sizeof(float), (byte*)columns.Planes, (byte*)tile, rowElements * sizeof(float),
                    Math.Min(ContractKernel.BlockLength, steps - step), step == 0 ? TileMode.Store : TileMode.Add, place + step, corner);
        }
    }
}
