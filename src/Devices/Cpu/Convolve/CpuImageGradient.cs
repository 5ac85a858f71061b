using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The image's gradient: for some channels of an image the product of all taps with the result's gradient, then tap after tap added where
/// it came from. Nothing is multiplied by padding, nor by the gaps of a stride. A part is some blocks of channels of some images.
/// </summary>
internal sealed unsafe class CpuImageGradient : CpuKernel
{
    // The products of a block of channels are read again at once: they should still be in the second-level cache.
    private const int BlockBytesMax = 256 << 10;

    private readonly Geometry geometry;
    private readonly Tiling tiling;
    private readonly int size, panels, pitch, stepsMax, blockChannels, blocks;
    private readonly byte* gradient;
    private readonly byte* filter;
    private readonly byte* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];

    public CpuImageGradient(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        geometry = Geometry.Of(kernel);
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        panels = (geometry.OutPixels + tiling.PanelColumns - 1) / tiling.PanelColumns;
        pitch = (geometry.OutPixels + tiling.Lanes - 1) / tiling.Lanes * tiling.Lanes;
        stepsMax = geometry.GroupOutputs > ContractKernel.BlockLength ? ContractKernel.BlockLength : Math.Min(geometry.GroupOutputs, Tiling.StepsMax);
        blockChannels = (int)Math.Clamp(BlockBytesMax / Math.Max(1L, (long)geometry.Taps * pitch * size), 1, Math.Max(1, geometry.GroupChannels));
        blocks = (geometry.GroupChannels + blockChannels - 1) / blockChannels;
        gradient = (byte*)address(kernel.Result);
        filter = (byte*)address(kernel.Filter);
        target = (byte*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
    }

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes + (long)blockChannels * geometry.Taps * pitch * size;

    public override int Parts(int threads)
    {
        int units = geometry.Samples * geometry.Groups * blocks;
        if (units == 0)
            return 0;
        double work = (double)geometry.Outputs * geometry.GroupChannels * geometry.Taps * geometry.OutPixels * geometry.Samples;
        return threads == 1 || work < 100_000 ? 1 : Math.Min(units, threads * 4);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)geometry.Samples * geometry.Groups * blocks, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int image = (int)(unit / blocks), channel = (int)(unit % blocks) * blockChannels;
            Block(image, channel, Math.Min(blockChannels, geometry.GroupChannels - channel), scratch);
        }
    }

    private void Block(int image, int channel, int channels, byte* scratch)
    {
        byte* products = scratch + PanelBytes;
        for (int panel = 0; panel < panels; panel++)
            Multiply(image, channel, channels, panel * tiling.PanelColumns, scratch, products);
        byte* planes = target + ((nint)image * geometry.GroupChannels + channel) * geometry.Pixels * size;
        NativeMemory.Clear(planes, (nuint)channels * (nuint)geometry.Pixels * (nuint)size);
        if (size == sizeof(float))
            Gather((float*)products, (float*)planes, channels);
        else
            Gather((double*)products, (double*)planes, channels);
        int sample = image / geometry.Groups;
        epilogue?.Apply(planes, (nint)geometry.Pixels * size, channels, geometry.Pixels, image % geometry.Groups * geometry.GroupChannels + channel, 0, epilogueOffsets[sample]);
    }

    /// <summary>Rows (channel, kh, kw) by some pixels of the result: the filter is read in place, its output channels are k.</summary>
    private void Multiply(int image, int channel, int channels, int pixel, byte* panel, byte* products)
    {
        int columns = Math.Min(tiling.PanelColumns, geometry.OutPixels - pixel), vectors = tiling.Vectors(columns), width = vectors * tiling.Lanes;
        int row = geometry.GroupChannels * geometry.Taps, rows = channels * geometry.Taps, tiles = tiling.Tiles(rows, vectors), step = 0;
        var a = new Matrix((nint)filter + ((nint)(image % geometry.Groups) * geometry.GroupOutputs * row + channel * geometry.Taps) * size, 1, row);
        var b = new Matrix((nint)gradient + (nint)image * geometry.GroupOutputs * geometry.OutPixels * size, geometry.OutPixels, 1);
        var c = new Matrix((nint)products, pitch, 1);
        // Where the planes are exactly one panel wide they are packed already.
        bool packed = geometry.OutPixels == width;
        do
        {
            int steps = Math.Min(stepsMax, geometry.GroupOutputs - step);
            byte* source = packed ? b.At(step, 0, size) : panel;
            if (!packed)
                Packing.Panel(b.At(step, pixel, size), b, steps, columns, width, size, panel);
            var mode = step == 0 ? TileMode.Store : geometry.GroupOutputs > ContractKernel.BlockLength ? TileMode.Add : TileMode.Continue;
            for (int t = 0; t < tiles; t++)
            {
                var (first, count) = Tiling.Rows(rows, tiles, t);
                MicroKernel.Get(tiling, count, vectors)(a.At(first, step, size), size, (nint)row * size, source, c.At(first, pixel, size), (nint)pitch * size, steps, mode);
            }

            step += steps;
        }
        while (step < geometry.GroupOutputs);
    }

    private void Gather<T>(T* products, T* planes, int channels) where T : unmanaged, IAdditionOperators<T, T, T>
    {
        var w = geometry.Window;
        for (int channel = 0; channel < channels; channel++, planes += geometry.Pixels)
        {
            for (int tap = 0; tap < geometry.Taps; tap++, products += pitch)
            {
                int top = tap / w.KernelWidth * w.DilationHeight - w.PadTop, left = tap % w.KernelWidth * w.DilationWidth - w.PadLeft;
                int first = left >= 0 ? 0 : (-left + w.StrideWidth - 1) / w.StrideWidth;
                int end = left >= geometry.Width ? 0 : Math.Min(geometry.OutWidth, (geometry.Width - left + w.StrideWidth - 1) / w.StrideWidth);
                Tap(products, planes, top, left, first, end);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tap<T>(T* products, T* plane, int top, int left, int first, int end) where T : unmanaged, IAdditionOperators<T, T, T>
    {
        var w = geometry.Window;
        for (int oh = 0; oh < geometry.OutHeight; oh++)
        {
            int ih = oh * w.StrideHeight + top;
            if ((uint)ih >= (uint)geometry.Height)
                continue;
            T* from = products + (nint)oh * geometry.OutWidth;
            T* to = plane + (nint)ih * geometry.Width + left;
            int ow = first;
            if (w.StrideWidth == 1)
            {
                for (; ow + Vector256<T>.Count <= end; ow += Vector256<T>.Count)
                    Vector256.Store(Vector256.Load(to + ow) + Vector256.Load(from + ow), to + ow);
            }

            for (; ow < end; ow++)
                to[(nint)ow * w.StrideWidth] += from[ow];
        }
    }
}
