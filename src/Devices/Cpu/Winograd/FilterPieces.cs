using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Tiles times a filter that is transformed on the way, again for each few rows of tiles: a row of six frequencies at a time, of one panel's channels
/// that come out and as many of those summed over as stay in the second-level cache. The whole transform is four times the filter; writing it
/// beyond that cache and reading it again takes as long as transforming it several times.
/// </summary>
internal sealed unsafe class FilterPieces(FilterTaps filter, int steps, PanelCut cut, long most)
{
    private const int Lanes = WinogradTransforms.Lanes, Rows = Graph.Plans.Winograd.Inputs;

    // A chain that stops and goes on loads and stores its sums once more, so there are as few pieces as can be, all about as long. Blocks of a
    // chain that has several are not cut: their sums would want a place of their own.
    private readonly int stepsAtOnce = steps > ContractKernel.BlockLength ? ContractKernel.BlockLength : Even(steps, Math.Min(most, Cache.SecondLevelBytes) / StepBytes(cut));

    /// <summary>Floats that a product wants for itself.</summary>
    public long Temporary => stepsAtOnce * StepBytes(cut) / sizeof(float) + Rows * Lanes;

    /// <summary>All frequencies of some tiles for one panel of the filter; what is multiplied and the products are as <see cref="WinogradConvolve"/> has them.</summary>
    public void Multiply(int panel, int tiles, float* image, nint imagePitch, nint imageApart, float* products, nint apart, float* temporary)
    {
        int width = cut.Width(panel), columns = cut.ColumnsOf(panel);
        float* taps = temporary;
        float* frequencies = taps + stepsAtOnce * PerStep(cut, FilterTaps.PerStep);
        var parts = MicroKernel.Tiles(cut.Tiling, tiles, width / cut.Tiling.Lanes);
        for (int step = 0; step < steps; step += stepsAtOnce)
        {
            int count = Math.Min(stepsAtOnce, steps - step);
            nint group = count * FilterTaps.PerStep, pieceApart = WinogradSize.Apart((long)count * width);
            var mode = step == 0 ? TileMode.Store : step % ContractKernel.BlockLength == 0 ? TileMode.Add : TileMode.Continue;
            for (int column = 0; column < columns; column += Lanes)
                filter.Read(panel * cut.Tiling.PanelColumns + column, Math.Min(Lanes, columns - column), step, count, taps + column / Lanes * group);
            for (int f = 0; f < Graph.Plans.Winograd.Frequencies; f++)
            {
                var (row, within) = Math.DivRem(f, Rows);
                for (int column = 0; column < columns && within == 0; column += Lanes)
                    WinogradTransforms.FilterRow(row, taps + column / Lanes * group + filter.First, filter.Next, count, frequencies + column, width, pieceApart);
                for (int t = 0, tile = 0; t < parts.Count; tile += parts.Rows(t++))
                {
                    parts.Kernel(t)((byte*)(image + f * imageApart + tile * imagePitch + step), imagePitch * sizeof(float), sizeof(float),
                        (byte*)(frequencies + within * pieceApart), (byte*)(products + f * apart + (nint)tile * width), (nint)width * sizeof(float), count, mode);
                }
            }
        }
    }

    /// <summary>Steps of each of as few pieces as there can be.</summary>
    private static int Even(int steps, long most)
    {
        int atOnce = (int)Math.Clamp(most, 1, Math.Max(1, steps)), pieces = Math.Max(1, (steps + atOnce - 1) / atOnce);
        return (steps + pieces - 1) / pieces;
    }

    private static long StepBytes(PanelCut cut) => PerStep(cut, FilterTaps.PerStep + Rows * Lanes) * sizeof(float);

    /// <summary>Floats of a step of the widest panel, of which sixteen channels take so many.</summary>
    private static nint PerStep(PanelCut cut, int group) => (nint)(cut.Width(0) + Lanes - 1) / Lanes * group;
}
