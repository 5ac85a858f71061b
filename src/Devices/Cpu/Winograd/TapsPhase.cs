using Singa.Actors.Devices.Cpu.Convolve;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>A filter as its transform reads it: for sixteen channels that come out at a time, their taps side by side, channel by channel summed over.</summary>
internal sealed unsafe class TapsPhase(Geometry geometry, float* filter, SharedScratch shared) : CpuKernel
{
    public const int Taps = Graph.Plans.Winograd.Taps * Graph.Plans.Winograd.Taps;

    private const int Lanes = WinogradTransforms.Lanes;

    private int Groups => (geometry.Outputs + Lanes - 1) / Lanes;

    public static long Bytes(int inChannels, int outChannels) => (long)WinogradSize.Padded(outChannels) * inChannels * Taps * sizeof(float);

    /// <summary>Where the taps of a channel's group begin, in elements.</summary>
    public static nint Place(int inChannels, int outChannel) => (nint)(outChannel / Lanes) * inChannels * Taps * Lanes;

    public override int Parts(int threads) => Math.Min(Groups, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        int perOutput = geometry.Channels * Taps;
        var (first, end) = Share(Groups, 1, part, parts);
        for (long group = first; group < end; group++)
        {
            int channel = (int)group * Lanes;
            ChannelPixels.Turn(filter + (nint)channel * perOutput, perOutput, Math.Min(Lanes, geometry.Outputs - channel), perOutput, (float*)shared.Pointer + Place(geometry.Channels, channel));
        }
    }
}
