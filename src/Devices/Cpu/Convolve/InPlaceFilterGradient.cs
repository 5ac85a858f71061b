using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The filter's gradient where there are many channels on both sides: rows are the image's channels under one tap, read where they lie, columns
/// output channels, whose gradients are turned into panels once for all taps; k are the pixels of all samples of a shard. A part is some columns and
/// some channels. Single precision, one group.
/// </summary>
internal sealed unsafe class InPlaceFilterGradient : ShardedGradient<InPlaceFilterGradient.Region>
{
    // What a region's sum may take, so that it stays in the second-level cache with the panel.
    private const int RegionBytesMax = 1 << 18;

    private const int ChannelsMin = 6;

    private readonly Tiling tiling;
    private readonly Planes planes;
    private readonly nint[] places, taps;
    private readonly int panels, together;
    private readonly float* image;
    private readonly float* gradient;
    private readonly float* target;
    private readonly int partsLeast;
    private int channelParts;

    private InPlaceFilterGradient(ConvolveKernel kernel, Tiling tiling, Func<Operand, nint> address)
        : base(kernel, sizeof(float))
    {
        this.tiling = tiling;
        planes = new Planes(Geometry);
        panels = (Geometry.Outputs + tiling.PanelColumns - 1) / tiling.PanelColumns;
        // Of few pixels several samples make one chain's piece.
        together = Math.Clamp(Tiling.StepsMost / Geometry.OutPixels, 1, Geometry.Samples);
        channelParts = partsLeast = (int)Math.Clamp(((long)Geometry.Channels * Geometry.Taps * tiling.PanelColumns * sizeof(float) + RegionBytesMax - 1) / RegionBytesMax, 1, Geometry.Channels / ChannelsMin);
        taps = planes.Taps()[..Geometry.Taps];
        places = new nint[together * Geometry.OutPixels];
        image = (float*)address(kernel.Image);
        gradient = (float*)address(kernel.Result);
        target = (float*)address(kernel.Filter);
    }

    /// <summary>Null where it does not pay.</summary>
    public static InPlaceFilterGradient? Of(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        var geometry = Geometry.Of(kernel);
        var tiling = new Tiling(kernel.Target.DType, context.Width);
        return kernel.Target.DType == DType.Float32 && kernel.Groups == 1 && geometry.Channels >= ChannelsMin && ArePanels(geometry.Outputs, tiling) && geometry.Outputs > 0 && geometry.OutPixels > 0 && geometry.Samples > 0 && geometry.Taps > 0 ? new(kernel, tiling, address) : null;
    }

    // Wide vectors are to be full, and two of them at least; of narrow ones one is enough, and an eighth of nothing is cheaper than patches.
    private static bool ArePanels(int outputs, Tiling tiling) =>
        tiling.IsNarrow ? 8 * tiling.Lanes * tiling.AllVectors(outputs) <= 9 * outputs : outputs % (2 * tiling.Lanes) == 0;

    /// <summary>Some channels by a panel of output channels: element (channel, tap, output), of which only <c>Outputs</c> of <c>Width</c> count.</summary>
    internal readonly record struct Region(int Channel, int Channels, int Output, int Outputs, int Width, nint Scratch);

    private int ChannelsMax => (Geometry.Channels + channelParts - 1) / channelParts;

    protected override int RegionElements => ChannelsMax * Geometry.Taps * tiling.PanelColumns;

    private long PanelBytes => (long)Math.Min(Tiling.StepsMost, together * Geometry.OutPixels) * tiling.PanelColumns * sizeof(float);

    /// <summary>From one sample's planes to the next one's; of copies an odd number of lines, so that the same pixel of several samples finds places in a cache.</summary>
    private nint SampleElements => planes.IsCopy ? (nint)Cache.OddLines((long)ChannelsMax * planes.PlaneElements * sizeof(float)) / sizeof(float) : (nint)Geometry.Channels * Geometry.Pixels;

    /// <summary>Of the channels of a part, all samples that are taken together.</summary>
    private long PlanesBytes => planes.IsCopy ? together * SampleElements * sizeof(float) : 0;

    public override long ScratchBytesPerThread => PanelBytes + PlanesBytes + (long)RegionsMax * RegionElements * sizeof(float);

    private long Units => (long)Ranges.Length * panels * channelParts;

    public override int Parts(int threads)
    {
        channelParts = partsLeast;
        bool isCut = threads > 1 && (double)Geometry.Outputs * Geometry.Channels * Geometry.Taps * Geometry.OutPixels * Geometry.Samples * Ranges.Sum(r => r.Count) >= Work.MultiplyAddsMin;
        if (isCut && Units < threads * 2)
            channelParts = Math.Clamp((int)((threads * 2 + Units - 1) / Units) * channelParts, 1, Geometry.Channels / ChannelsMin);
        var corners = planes.Corners();
        for (int i = 0; i < places.Length; i++)
            places[i] = (i / Geometry.OutPixels * SampleElements + corners[i % Geometry.OutPixels]) * sizeof(float);
        return isCut ? (int)Math.Min(Units, threads * 8) : 1;
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        if (planes.IsCopy)
            NativeMemory.Clear(scratch + PanelBytes, (nuint)PlanesBytes);
        var (first, end) = Share(Units, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            var range = Ranges[unit / ((long)panels * channelParts)];
            int output = (int)(unit / channelParts % panels) * tiling.PanelColumns;
            var (channel, channels) = Tiling.Rows(Geometry.Channels, channelParts, (int)(unit % channelParts));
            int outputs = Math.Min(tiling.PanelColumns, Geometry.Outputs - output);
            var region = new Region(channel, channels, output, outputs, tiling.Vectors(outputs) * tiling.Lanes, (nint)scratch);
            byte* sum = scratch + PanelBytes + PlanesBytes;
            Sum(region, range.First, new ShardRange(0, range.Count), sum);
            nint filter = (nint)Geometry.Channels * Geometry.Taps;
            float* to = target + unit / ((long)panels * channelParts) * (RangeBytes / sizeof(float)) + output * filter + (nint)channel * Geometry.Taps;
            Packing.Turn((float*)sum, region.Width, region.Outputs, channels * Geometry.Taps, to, filter);
        }
    }

    protected override nint Elements(in Region region) => (nint)region.Channels * Geometry.Taps * region.Width;

    protected override int Chain(in Region region, int shard, long done, int most, byte* chain, TileMode mode, ref int prepared)
    {
        int pixels = together * Geometry.OutPixels, group = (int)(done / pixels), from = (int)(done % pixels), sample = group * together;
        int samples = Math.Min(together, Geometry.Samples - sample), steps = Math.Min(Math.Min(Tiling.StepsMost, samples * Geometry.OutPixels - from), most);
        nint first = (nint)shard * Geometry.Samples + sample;
        float* lie = Image(region, first, samples, group != prepared);
        prepared = group;
        Pack(region, first, from, steps);
        Multiply(region, lie, from, steps, (float*)chain, mode);
        return steps;
    }

    /// <summary>The region's channels of some samples, one sample's planes after the other's.</summary>
    private float* Image(in Region region, nint first, int samples, bool isNew)
    {
        float* from = image + (first * Geometry.Channels + region.Channel) * Geometry.Pixels;
        if (!planes.IsCopy)
            return from;
        float* copy = (float*)(region.Scratch + (nint)PanelBytes);
        for (int i = 0; i < samples && isNew; i++)
            planes.Copy((byte*)(from + (nint)i * Geometry.Channels * Geometry.Pixels), (byte*)(copy + i * SampleElements), sizeof(float), 0, region.Channels);
        return copy;
    }

    /// <summary>Gradients of <paramref name="steps"/> pixels from number <paramref name="from"/> on, each pixel's output channels side by side.</summary>
    private void Pack(in Region region, nint first, int from, int steps)
    {
        float* panel = (float*)region.Scratch;
        if (region.Outputs < region.Width)
            new Span<float>(panel, steps * region.Width).Clear();
        for (int done = 0; done < steps;)
        {
            var (sample, pixel) = Math.DivRem(from + done, Geometry.OutPixels);
            int count = Math.Min(steps - done, Geometry.OutPixels - pixel);
            float* source = gradient + ((first + sample) * Geometry.Outputs + region.Output) * Geometry.OutPixels + pixel;
            Packing.Turn(source, Geometry.OutPixels, count, region.Outputs, panel + (nint)done * region.Width, region.Width);
            done += count;
        }
    }

    private void Multiply(in Region region, float* from, int first, int steps, float* chain, TileMode mode)
    {
        int vectors = region.Width / tiling.Lanes;
        nint plane = planes.PlaneElements, row = (nint)Geometry.Taps * region.Width;
        var tiles = MicroKernel.Tiles(tiling, region.Channels, tiling.Tiles(region.Channels, vectors), vectors, isFar: false, Placed.A);
        fixed (nint* place = &places[first])
        {
            for (int t = 0; t < tiles.Count; t++)
            {
                int channel = tiles.First(t);
                for (int tap = 0; tap < taps.Length; tap++)
                    tiles.Kernel(t)((byte*)(from + channel * plane + taps[tap]), plane * sizeof(float), 0, (byte*)region.Scratch,
                        (byte*)(chain + channel * row + (nint)tap * region.Width), row * sizeof(float), steps, mode, place, null);
            }
        }
    }
}
