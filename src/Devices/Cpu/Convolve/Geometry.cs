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
        // Pixels of one plane are counted in 32 bits; how many planes there are, and bytes, in 64.
        if (image[^2] * image[^1] > int.MaxValue || result[^2] * result[^1] > int.MaxValue)
            throw new NotSupportedException($"a convolution of planes of {image[^2]}×{image[^1]} into {result[^2]}×{result[^1]}: the CPU takes at most {int.MaxValue} pixels a plane");
        return checked(new Geometry(kernel.Window, kernel.Groups, (int)image[shard], (int)image[^3], (int)image[^2], (int)image[^1],
            (int)result[^3], (int)result[^2], (int)result[^1]));
    }

    public int GroupChannels => Channels / Groups;

    public int GroupOutputs => Outputs / Groups;

    public int Taps => Window.KernelHeight * Window.KernelWidth;

    public int Pixels => Height * Width;

    public int OutPixels => OutHeight * OutWidth;

    /// <summary>The same with all pixels in one row, where each of the result's is made of the image's at the same place.</summary>
    public Geometry Flat => Taps == 1 && Window is { StrideHeight: 1, StrideWidth: 1, PadTop: 0, PadLeft: 0 } && Pixels == OutPixels
        ? this with { Height = 1, Width = Pixels, OutHeight = 1, OutWidth = OutPixels } : this;
}
