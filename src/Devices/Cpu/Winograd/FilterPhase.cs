using Singa.Actors.Devices.Cpu.Convolve;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// The filter's transform, for each frequency in panels: rows are the channels summed over, columns those that come out, or some of them from
/// <c>first</c> on.
/// </summary>
internal sealed unsafe class FilterPhase(Geometry geometry, bool turned, PanelCut cut, int first, float* filter, SharedScratch shared) : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes, Taps = 9, StepsPerUnit = 32;

    private int Steps => turned ? geometry.Outputs : geometry.Channels;

    private int Groups => (cut.Columns + Lanes - 1) / Lanes;

    private int Blocks => (Steps + StepsPerUnit - 1) / StepsPerUnit;

    public override long ScratchBytesPerThread => (StepsPerUnit * Taps * Lanes + 36 * Lanes + WinogradTransforms.Temporary) * sizeof(float);

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(Groups * Blocks, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* taps = (float*)scratch;
        float* frequencies = taps + StepsPerUnit * Taps * Lanes;
        float* temporary = frequencies + 36 * Lanes;
        float* target = (float*)shared.Pointer;
        int steps = Steps;
        nint apart = WinogradSize.Apart((long)steps * cut.TotalWidth), perOutput = (nint)geometry.Channels * Taps;
        var (begin, end) = Share((long)Groups * Blocks, 1, part, parts);
        for (long unit = begin; unit < end; unit++)
        {
            int column = (int)(unit / Blocks) * Lanes, step = (int)(unit % Blocks) * StepsPerUnit, columns = Math.Min(Lanes, cut.Columns - column);
            int count = Math.Min(StepsPerUnit, steps - step);
            // Of a filter turned by half a turn the last tap comes first.
            var (firstTap, next) = turned ? ((Taps - 1) * Lanes, -Lanes) : (0, Lanes);
            if (!turned)
                ChannelPixels.Turn(filter + (first + column) * perOutput + step * Taps, perOutput, columns, count * Taps, taps);
            for (int s = 0; s < count; s++)
            {
                if (turned)
                    ChannelPixels.Turn(filter + (step + s) * perOutput + (first + column) * Taps, Taps, columns, Taps, taps);
                float* tap = taps + (turned ? 0 : s * Taps * Lanes) + firstTap;
                if (cut.Place(steps, step + s, column) is >= 0 and var place)
                {
                    WinogradTransforms.Filter(tap, next, target + place, apart, temporary);
                    continue;
                }

                WinogradTransforms.Filter(tap, next, frequencies, Lanes, temporary);
                for (int f = 0; f < Graph.Plans.Winograd.Frequencies; f++)
                    cut.Put(frequencies + f * Lanes, target + f * apart, steps, step + s, column);
            }
        }
    }
}
