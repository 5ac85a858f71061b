using Singa.Actors.Devices.Cpu.Convolve;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// The filter's gradient by <see cref="Graph.Plans.Winograd"/>: image and result's gradient are transformed, multiplied, and transformed to taps.
/// How much is transformed at a time is a matter of memory: all of it, or the tiles of some channels, or some samples of those.
/// </summary>
internal static unsafe class FilterGradientCompiler
{
    public static CpuPhases Compile(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        var size = WinogradSize.Of(Geometry.Of(kernel), kernel.Form);
        var tiling = new Tiling(kernel.Target.DType, context.Width);
        PanelCut images = new(tiling, size.InChannels), gradients = new(tiling, size.OutChannels);
        int shards = kernel.Tree.IsEmpty ? 1 : (int)kernel.Image.Shape[0], shardTiles = size.Samples * size.TileRows * size.TileColumns, samples = shards * size.Samples;
        long tiles = (long)shards * shardTiles, most = context.SharedScratchMost;
        long onePanel = WinogradSize.Bytes(tiles, gradients.Part(0, tiling.PanelColumns).TotalWidth);
        if (onePanel + WinogradSize.Bytes(tiles, images.Part(0, tiling.PanelColumns).TotalWidth) > most && samples > 1)
            return new TileChunks(kernel, size, images, gradients, most, address).Compile();

        int imagesAtOnce = images.ColumnsWithin(most - onePanel, columns => WinogradSize.Bytes(tiles, columns));
        long imageBytes = WinogradSize.Bytes(tiles, images.Part(0, imagesAtOnce).TotalWidth);
        int gradientsAtOnce = gradients.ColumnsWithin(most - imageBytes, columns => WinogradSize.Bytes(tiles, columns));
        var shared = new SharedScratch(imageBytes + WinogradSize.Bytes(tiles, gradients.Part(0, gradientsAtOnce).TotalWidth));
        var phases = new List<CpuKernel>();
        for (int column = 0; column < size.InChannels; column += imagesAtOnce)
        {
            var image = images.Part(column, imagesAtOnce);
            phases.Add(new TilePhase(size, false, image, (float*)address(kernel.Image) + (nint)column * size.InHeight * size.InWidth, shared, 0, samples));
            for (int row = 0; row < size.OutChannels; row += gradientsAtOnce)
            {
                var gradient = gradients.Part(row, gradientsAtOnce);
                phases.Add(new TilePhase(size, true, gradient, (float*)address(kernel.Result) + (nint)row * size.OutHeight * size.OutWidth, shared, imageBytes, samples));
                phases.Add(new WinogradFilterGradient(kernel, image, gradient, row, column, shardTiles, shards, imageBytes, shared, (float*)address(kernel.Filter)));
            }
        }

        return new CpuPhases(shared, [.. phases]);
    }
}
