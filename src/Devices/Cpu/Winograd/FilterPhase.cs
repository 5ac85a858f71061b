namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>The filter's transform, for each frequency in panels: rows are the channels summed over, columns those that come out.</summary>
internal sealed unsafe class FilterPhase(FilterTaps filter, int steps, PanelCut cut, SharedScratch shared) : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes, Frequencies = Graph.Plans.Winograd.Frequencies, StepsPerUnit = 32;

    private int Groups => (cut.Columns + Lanes - 1) / Lanes;

    private int Blocks => (steps + StepsPerUnit - 1) / StepsPerUnit;

    public override long ScratchBytesPerThread => (StepsPerUnit * FilterTaps.PerStep + Frequencies * Lanes + WinogradTransforms.Temporary) * sizeof(float);

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(Groups * Blocks, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* taps = (float*)scratch;
        float* frequencies = taps + StepsPerUnit * FilterTaps.PerStep;
        float* temporary = frequencies + Frequencies * Lanes;
        float* target = (float*)shared.Pointer;
        nint apart = WinogradSize.Apart((long)steps * cut.TotalWidth);
        var (begin, end) = Share((long)Groups * Blocks, 1, part, parts);
        for (long unit = begin; unit < end; unit++)
        {
            int column = (int)(unit / Blocks) * Lanes, step = (int)(unit % Blocks) * StepsPerUnit, count = Math.Min(StepsPerUnit, steps - step);
            filter.Read(column, Math.Min(Lanes, cut.Columns - column), step, count, taps);
            float* tap = taps + filter.First;
            for (int s = 0; s < count; s++, tap += FilterTaps.PerStep)
            {
                if (cut.Place(steps, step + s, column) is >= 0 and var place)
                {
                    WinogradTransforms.Filter(tap, filter.Next, target + place, apart, temporary);
                    continue;
                }

                WinogradTransforms.Filter(tap, filter.Next, frequencies, Lanes, temporary);
                for (int f = 0; f < Frequencies; f++)
                    cut.Put(frequencies + f * Lanes, target + f * apart, steps, step + s, column);
            }
        }
    }
}
