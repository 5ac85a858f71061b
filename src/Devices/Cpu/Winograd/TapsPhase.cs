namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>A filter as its transform reads it: for sixteen channels that come out at a time, their taps side by side, channel by channel summed over.</summary>
internal sealed unsafe class TapsPhase(FilterTaps filter, int inChannels, int outChannels, SharedScratch shared) : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes;

    private int Groups => (outChannels + Lanes - 1) / Lanes;

    public static long Bytes(int inChannels, int outChannels) => (long)WinogradSize.Padded(outChannels) * inChannels * FilterTaps.Taps * sizeof(float);

    /// <summary>Where the taps of a channel's group begin, in elements.</summary>
    public static nint Place(int inChannels, int outChannel) => (nint)(outChannel / Lanes) * inChannels * FilterTaps.PerStep;

    public override int Parts(int threads) => Math.Min(Groups, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Groups, 1, part, parts);
        for (long group = first; group < end; group++)
        {
            int channel = (int)group * Lanes;
            filter.Read(channel, Math.Min(Lanes, outChannels - channel), 0, inChannels, (float*)shared.Pointer + Place(inChannels, channel));
        }
    }
}
