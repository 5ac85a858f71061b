using System.Runtime.CompilerServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>Transforms a shard's products to the taps' gradients [tap][row][column] of a level of the tree. A part is some regions' rows.</summary>
internal sealed unsafe class TapPhase(SharedScratch shared, ProductMemory memory, int level) : CpuKernel
{
    public override long ScratchBytesPerThread => WinogradTransforms.Temporary * sizeof(float);

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(memory.Regions * 8, threads * 8);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        int rowsMost = memory.Gradient.Tiling.PanelColumns;
        var (first, end) = Share((long)memory.Regions * rowsMost, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int region = (int)(unit / rowsMost), row = (int)(unit % rowsMost);
            var (rowPanel, columnPanel) = memory.Panels(region);
            int rows = memory.Gradient.ColumnsOf(rowPanel), pitch = memory.Pitch(columnPanel), width = memory.Image.Width(columnPanel);
            if (row >= rows)
                continue;
            float* products = (float*)shared.Pointer + (memory.SeveralBlocks ? memory.Blocks(region) : memory.Chain(region)) + (nint)row * pitch;
            float* sums = (float*)shared.Pointer + memory.Sum(region, level) + (nint)row * pitch;
            for (int column = 0; column < width; column += WinogradTransforms.Lanes)
                WinogradTransforms.FilterGradient(products + column, memory.Apart(rowPanel, columnPanel), sums + column, (nint)rows * pitch, (float*)scratch);
        }
    }
}

/// <summary>Rounds the sums of a level to what BFloat16 holds.</summary>
internal sealed unsafe class RoundPhase(SharedScratch shared, ProductMemory memory, int level) : CpuKernel
{
    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(memory.Regions, threads);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(memory.Regions, 1, part, parts);
        for (int region = (int)first; region < end; region++)
            HalfRows.Round((float*)shared.Pointer + memory.Sum(region, level), memory.SumElements);
    }
}

/// <summary>Adds the sums of a level's right half to those of its left.</summary>
internal sealed unsafe class AddPhase(SharedScratch shared, ProductMemory memory, int level) : CpuKernel
{
    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(memory.Regions, threads);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(memory.Regions, 1, part, parts);
        for (int region = (int)first; region < end; region++)
            Packing.Add((float*)shared.Pointer + memory.Sum(region, level), (float*)shared.Pointer + memory.Sum(region, level + 1), memory.SumElements);
    }
}

/// <summary>Puts the sums of the lowest level where they belong in the filter's gradient [row][column][tap], from some row and column on.</summary>
internal sealed unsafe class StorePhase(SharedScratch shared, ProductMemory memory, float* filter, int firstRow, int firstColumn, int allColumns) : CpuKernel
{
    private const int Taps = FilterTaps.Taps;

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(memory.Regions, threads);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(memory.Regions, 1, part, parts);
        for (int region = (int)first; region < end; region++)
            Store(region);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Store(int region)
    {
        var (rowPanel, columnPanel) = memory.Panels(region);
        int rows = memory.Gradient.ColumnsOf(rowPanel), pitch = memory.Pitch(columnPanel), columns = memory.Image.ColumnsOf(columnPanel), panel = memory.Image.Tiling.PanelColumns;
        float* sums = (float*)shared.Pointer + memory.Sum(region, 0);
        for (int row = 0; row < rows; row++)
        {
            float* to = filter + ((nint)(firstRow + rowPanel * panel + row) * allColumns + firstColumn + columnPanel * panel) * Taps;
            for (int tap = 0; tap < Taps; tap++)
            {
                float* from = sums + ((nint)tap * rows + row) * pitch;
                for (int c = 0; c < columns; c++)
                    to[c * Taps + tap] = from[c];
            }
        }
    }
}
