using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The image's gradient: for some channels of an image the product of all taps with the result's gradient, then tap after tap added where
/// it came from. Nothing is multiplied by padding, nor by the gaps of a stride. Images of few pixels are multiplied several at a time, so that a panel is
/// full and the filter is read less often. A part is some blocks of channels of some images.
/// </summary>
internal sealed unsafe class CpuImageGradient : CpuKernel
{
    // The products of a block of channels are read again at once: they should still be in the second-level cache.
    private const int BlockBytesMax = 256 << 10;

    private readonly Geometry geometry;
    private readonly Tiling tiling;
    private readonly int size, together, panels, pitch, stepsMax, blockChannels, blocks;
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
        together = (int)Math.Clamp(tiling.PanelColumns / Math.Max(1L, geometry.OutPixels), 1, Math.Max(1, geometry.Samples));
        int pixels = together * geometry.OutPixels;
        panels = (pixels + tiling.PanelColumns - 1) / tiling.PanelColumns;
        pitch = (pixels + tiling.Lanes - 1) / tiling.Lanes * tiling.Lanes;
        stepsMax = geometry.GroupOutputs > ContractKernel.BlockLength ? ContractKernel.BlockLength : Math.Min(geometry.GroupOutputs, Tiling.StepsMost);
        blockChannels = (int)Math.Clamp(BlockBytesMax / Math.Max(1L, (long)geometry.Taps * pitch * size), 1, Math.Max(1, geometry.GroupChannels));
        blocks = (geometry.GroupChannels + blockChannels - 1) / blockChannels;
        gradient = (byte*)address(kernel.Result);
        filter = (byte*)address(kernel.Filter);
        target = (byte*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
    }

    private long Units => (long)((geometry.Samples + together - 1) / together) * geometry.Groups * blocks;

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes + (long)blockChannels * geometry.Taps * pitch * size;

    public override int Parts(int threads)
    {
        if (Units == 0)
            return 0;
        double multiplyAdds = (double)geometry.Outputs * geometry.GroupChannels * geometry.Taps * geometry.OutPixels * geometry.Samples;
        return threads == 1 || multiplyAdds < Work.MultiplyAddsMin ? 1 : (int)Math.Min(Units, threads * 4);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Units, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int images = (int)(unit / blocks), sample = images / geometry.Groups * together, channel = (int)(unit % blocks) * blockChannels;
            Block(sample, Math.Min(together, geometry.Samples - sample), images % geometry.Groups, channel, Math.Min(blockChannels, geometry.GroupChannels - channel), scratch);
        }
    }

    private void Block(int first, int samples, int group, int channel, int channels, byte* scratch)
    {
        byte* products = scratch + PanelBytes;
        for (int panel = 0; panel < panels; panel++)
            Multiply(first, samples, group, channel, channels, panel * tiling.PanelColumns, scratch, products);
        for (int sample = first; sample < first + samples; sample++, products += geometry.OutPixels * size)
        {
            byte* planes = target + (((nint)sample * geometry.Groups + group) * geometry.GroupChannels + channel) * geometry.Pixels * size;
            NativeMemory.Clear(planes, (nuint)channels * (nuint)geometry.Pixels * (nuint)size);
            if (size == sizeof(float))
                Gather((float*)products, (float*)planes, channels);
            else
                Gather((double*)products, (double*)planes, channels);
            epilogue?.Apply(planes, (nint)geometry.Pixels * size, channels, geometry.Pixels, group * geometry.GroupChannels + channel, 0, epilogueOffsets[sample]);
        }
    }

    /// <summary>Rows (channel, kh, kw) by some pixels of the results: the filter is read in place, its output channels are k.</summary>
    private void Multiply(int first, int samples, int group, int channel, int channels, int pixel, byte* panel, byte* products)
    {
        int columns = Math.Min(tiling.PanelColumns, samples * geometry.OutPixels - pixel), vectors = tiling.Vectors(columns), width = vectors * tiling.Lanes;
        int row = geometry.GroupChannels * geometry.Taps, step = 0;
        var tiles = MicroKernel.Tiles(tiling, channels * geometry.Taps, vectors);
        var a = new Matrix((nint)filter + ((nint)group * geometry.GroupOutputs * row + channel * geometry.Taps) * size, 1, row);
        var b = new Matrix((nint)gradient + ((nint)first * geometry.Groups + group) * geometry.GroupOutputs * geometry.OutPixels * size, geometry.OutPixels, 1);
        var c = new Matrix((nint)products, pitch, 1);
        // Where the planes are exactly one panel wide they are packed already.
        bool packed = samples == 1 && geometry.OutPixels == width;
        do
        {
            int steps = Math.Min(stepsMax, geometry.GroupOutputs - step);
            byte* source = packed ? b.At(step, 0, size) : panel;
            if (samples > 1)
                Pack(b, step, samples, steps, width, panel);
            else if (!packed)
                Packing.Panel(b.At(step, pixel, size), b, steps, columns, width, size, panel);
            var mode = step == 0 ? TileMode.Store : geometry.GroupOutputs > ContractKernel.BlockLength ? TileMode.Add : TileMode.Continue;
            for (int t = 0, tile = 0; t < tiles.Count; tile += tiles.Rows(t++))
            {
                tiles.Kernel(t)(a.At(tile, step, size), size, (nint)row * size, source, c.At(tile, pixel, size), (nint)pitch * size, steps, mode);
            }

            step += steps;
        }
        while (step < geometry.GroupOutputs);
    }

    /// <summary>All pixels of several samples side by side.</summary>
    private void Pack(Matrix first, int step, int samples, int steps, int width, byte* panel)
    {
        int bytes = geometry.OutPixels * size;
        nint apart = (nint)geometry.Groups * geometry.GroupOutputs * bytes;
        for (int s = 0; s < steps; s++, panel += width * size)
        {
            byte* from = first.At(step + s, 0, size);
            for (int sample = 0; sample < samples; sample++, from += apart)
                new ReadOnlySpan<byte>(from, bytes).CopyTo(new Span<byte>(panel + sample * bytes, bytes));
            new Span<byte>(panel + samples * bytes, width * size - samples * bytes).Clear();
        }
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
        // Rows of the result that lie in the image under this tap.
        int row = top >= 0 ? 0 : (-top + w.StrideHeight - 1) / w.StrideHeight;
        int endRow = top >= geometry.Height ? 0 : Math.Min(geometry.OutHeight, (geometry.Height - top + w.StrideHeight - 1) / w.StrideHeight);
        T* from = products + (nint)row * geometry.OutWidth;
        T* to = plane + ((nint)row * w.StrideHeight + top) * geometry.Width + left;
        nint apart = (nint)w.StrideHeight * geometry.Width;
        int whole = w.StrideWidth == 1 ? first + (end - first) / Vector256<T>.Count * Vector256<T>.Count : first;
        for (; row < endRow; row++, from += geometry.OutWidth, to += apart)
        {
            int ow = first;
            for (; ow < whole; ow += Vector256<T>.Count)
                Vector256.Store(Vector256.Load(to + ow) + Vector256.Load(from + ow), to + ow);
            for (; ow < end; ow++)
                to[(nint)ow * w.StrideWidth] += from[ow];
        }
    }
}
