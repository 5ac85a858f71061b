using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Multiplies a chunk of a shard's transformed tiles: chains go on from the chunk before; where one crosses the end of a block, the block is
/// added to the blocks' sum. A part is some frequencies of some regions.
/// </summary>
internal sealed unsafe class ProductPhase(
    SharedScratch shared, ProductMemory memory, long imageOffset, long gradientOffset, int firstTile, int tiles, bool endsShard) : CpuKernel
{
    private const int Frequencies = Graph.Plans.Winograd.Frequencies;

    private int Units => memory.Regions * Frequencies;

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(Units, threads * 8);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Units, 1, part, parts);
        for (long unit = first; unit < end; unit++)
            Multiply((int)(unit / Frequencies), (int)(unit % Frequencies));
    }

    private void Multiply(int region, int frequency)
    {
        var (rowPanel, columnPanel) = memory.Panels(region);
        var tiling = memory.Image.Tiling;
        int rows = memory.Gradient.ColumnsOf(rowPanel), rowWidth = memory.Gradient.Width(rowPanel), width = memory.Image.Width(columnPanel);
        int vectors = width / tiling.Lanes, pitch = memory.Pitch(columnPanel);
        var parts = MicroKernel.Tiles(tiling, rows, vectors);
        nint place = frequency * memory.Apart(rowPanel, columnPanel);
        float* a = (float*)(shared.Pointer + gradientOffset) + frequency * WinogradSize.Apart((long)tiles * memory.Gradient.TotalWidth) + memory.Gradient.Start(rowPanel, tiles);
        float* b = (float*)(shared.Pointer + imageOffset) + frequency * WinogradSize.Apart((long)tiles * memory.Image.TotalWidth) + memory.Image.Start(columnPanel, tiles);
        float* chain = (float*)shared.Pointer + memory.Chain(region) + place;
        float* sum = (float*)shared.Pointer + memory.Blocks(region) + place;
        for (int step = 0; step < tiles;)
        {
            int inBlock = (firstTile + step) % ContractKernel.BlockLength, steps = Math.Min(Math.Min(Tiling.StepsMost, tiles - step), ContractKernel.BlockLength - inBlock);
            for (int t = 0, row = 0; t < parts.Count; row += parts.Rows(t++))
            {
                parts.Kernel(t)((byte*)(a + (nint)step * rowWidth + row), sizeof(float), (nint)rowWidth * sizeof(float),
                    (byte*)(b + (nint)step * width), (byte*)(chain + (nint)row * pitch), (nint)pitch * sizeof(float), steps, inBlock == 0 ? TileMode.Store : TileMode.Continue);
            }

            step += steps;
            bool ends = inBlock + steps == ContractKernel.BlockLength || (endsShard && step == tiles);
            if (!memory.SeveralBlocks || !ends)
                continue;
            if (firstTile + step <= ContractKernel.BlockLength)
                Packing.Copy(chain, sum, rows * pitch);
            else
                Packing.Add(sum, chain, rows * pitch);
        }
    }
}
