using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Sizes of one convolution: samples, channels and pixels on either side.</summary>
internal sealed record Geometry(
    Window2D Window, int Groups, int Samples, int Channels, int Height, int Width, int Outputs, int OutHeight, int OutWidth)
{
    public static Geometry Of(ConvolveKernel kernel)
    {
        int shard = kernel.Image.Shape.Rank - 4;
        var (image, result) = (kernel.Image.Shape, kernel.Result.Shape);
        return new Geometry(kernel.Window, kernel.Groups, (int)image[shard], (int)image[^3], (int)image[^2], (int)image[^1],
            (int)result[^3], (int)result[^2], (int)result[^1]);
    }

    public int GroupChannels => Channels / Groups;

    public int GroupOutputs => Outputs / Groups;

    public int Taps => Window.KernelHeight * Window.KernelWidth;

    public int Pixels => Height * Width;

    public int OutPixels => OutHeight * OutWidth;
}
