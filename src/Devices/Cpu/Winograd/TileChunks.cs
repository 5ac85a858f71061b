using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// A filter's gradient whose transformed tiles do not fit: some samples of a shard at a time are transformed and multiplied, for some output and
/// input channels; the products go on from chunk to chunk, are transformed to taps when a shard is done, and shards are summed along their
/// tree, one region of memory a level.
/// </summary>
internal sealed unsafe class TileChunks
{
    private readonly ConvolveKernel kernel;
    private readonly WinogradSize size;
    private readonly PanelCut images, gradients;
    private readonly long most;
    private readonly float* image, result, filter;
    private readonly ShardRange[] ranges;
    private readonly int tilesEach, levels;
    private readonly bool severalBlocks;
    private readonly List<CpuKernel> phases = [];
    private int samplesAtOnce;

    public TileChunks(ConvolveKernel kernel, WinogradSize size, PanelCut images, PanelCut gradients, long most, Func<Operand, nint> address)
    {
        (this.kernel, this.size, this.images, this.gradients, this.most) = (kernel, size, images, gradients, most);
        image = (float*)address(kernel.Image);
        result = (float*)address(kernel.Result);
        filter = (float*)address(kernel.Filter);
        ranges = kernel.Tree.IsEmpty ? [new ShardRange(0, 1)] : [.. kernel.Tree];
        tilesEach = size.TileRows * size.TileColumns;
        levels = System.Numerics.BitOperations.Log2((uint)Math.Max(1, ranges.Max(r => r.Count))) + 2;
        severalBlocks = (long)size.Samples * tilesEach > ContractKernel.BlockLength;
    }

    public CpuPhases Compile()
    {
        // Half for products and sums, as many channels at a time as that allows; what is left for tiles.
        int gradientsAtOnce = gradients.ColumnsWithin(most / 2, columns => Memory(images.Part(0, images.Tiling.PanelColumns), gradients.Part(0, columns)).Bytes);
        int imagesAtOnce = images.ColumnsWithin(most / 2, columns => Memory(images.Part(0, columns), gradients.Part(0, gradientsAtOnce)).Bytes);
        var largest = Memory(images.Part(0, imagesAtOnce), gradients.Part(0, gradientsAtOnce));
        long left = Math.Max(most / 2, most - largest.Bytes), sample = TileBytes(1, imagesAtOnce, gradientsAtOnce);
        samplesAtOnce = (int)Math.Clamp(left / Math.Max(1, sample), 1, Math.Max(1, size.Samples));
        var shared = new SharedScratch(largest.Bytes + TileBytes(samplesAtOnce, imagesAtOnce, gradientsAtOnce));
        for (int column = 0; column < size.InChannels; column += imagesAtOnce)
        {
            for (int row = 0; row < size.OutChannels; row += gradientsAtOnce)
                Channels(shared, Memory(images.Part(column, imagesAtOnce), gradients.Part(row, gradientsAtOnce)), row, column);
        }

        return new CpuPhases(shared, [.. phases]);
    }

    private ProductMemory Memory(PanelCut image, PanelCut gradient) => new(image, gradient, levels, severalBlocks);

    private long TileBytes(int samples, int imageColumns, int gradientColumns) =>
        WinogradSize.Bytes((long)samples * tilesEach, images.Part(0, imageColumns).TotalWidth) + WinogradSize.Bytes((long)samples * tilesEach, gradients.Part(0, gradientColumns).TotalWidth);

    private void Channels(SharedScratch shared, ProductMemory memory, int row, int column)
    {
        for (int range = 0; range < ranges.Length; range++)
        {
            Sum(ranges[range], 0);
            phases.Add(new StorePhase(shared, memory, filter + range * (kernel.Tree.IsEmpty ? 0 : (nint)kernel.Filter.Strides[0]), row, column, (int)kernel.Filter.Shape[^3]));
        }

        void Sum(ShardRange shards, int level)
        {
            if (shards.Count == 1)
            {
                Shard(shards.First, level);
                return;
            }

            var (left, right) = ShardTree.Halves(shards);
            Sum(left, level);
            Sum(right, level + 1);
            phases.Add(new AddPhase(shared, memory, level));
            Round(level);
        }

        void Shard(int shard, int level)
        {
            for (int first = 0; first < size.Samples; first += samplesAtOnce)
            {
                int samples = Math.Min(samplesAtOnce, size.Samples - first);
                nint sample = (nint)shard * size.Samples + first;
                long gradientOffset = memory.Bytes + WinogradSize.Bytes((long)samples * tilesEach, memory.Image.TotalWidth);
                phases.Add(new TilePhase(size, false, memory.Image, image + (sample * size.InChannels + column) * size.InHeight * size.InWidth, shared, memory.Bytes, samples));
                phases.Add(new TilePhase(size, true, memory.Gradient, result + (sample * size.OutChannels + row) * size.OutHeight * size.OutWidth, shared, gradientOffset, samples));
                phases.Add(new ProductPhase(shared, memory, memory.Bytes, gradientOffset, first * tilesEach, samples * tilesEach, first + samples == size.Samples));
            }

            phases.Add(new TapPhase(shared, memory, level));
            Round(level);
        }

        void Round(int level)
        {
            if (kernel.Rounded)
                phases.Add(new RoundPhase(shared, memory, level));
        }
    }
}
