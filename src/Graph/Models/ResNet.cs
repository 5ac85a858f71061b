using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>
/// Residual networks for [n, channels, height, width]: a 3×3 stem for small images, 7×7 with pooling for large ones. Source: He, Zhang, Ren,
/// Sun, "Deep residual learning for image recognition" (2015).
/// </summary>
public static class ResNet
{
    // ImageNet's stem divides the size by four, which leaves nothing of a small image.
    private const int SmallImage = 64;

    private static readonly Module Relu = new Activation("Relu");

    /// <summary>18 layers: blocks of two 3×3 convolutions.</summary>
    public static Module Create18(Shape sample, int classes) => Create(sample, classes, [2, 2, 2, 2], 1, (width, stride) =>
        new Sequential(Conv(width, 3, stride), new BatchNorm(), Relu, Conv(width, 3, 1), new BatchNorm()));

    /// <summary>50 layers: bottlenecks of 1×1, 3×3 and 1×1 convolutions.</summary>
    public static Module Create50(Shape sample, int classes) => Create(sample, classes, [3, 4, 6, 3], 4, (width, stride) =>
        new Sequential(Conv(width, 1, 1), new BatchNorm(), Relu, Conv(width, 3, stride), new BatchNorm(), Relu, Conv(4 * width, 1, 1), new BatchNorm()));

    private static Sequential Create(Shape sample, int classes, int[] blocks, int expansion, Func<int, int, Module> body)
    {
        if (sample.Rank != 3)
            throw new GraphException($"a residual network takes images [channels, height, width], not {sample}");
        var layers = new List<Module>();
        layers.AddRange(sample[1] < SmallImage ? [Conv(64, 3, 1), new BatchNorm(), Relu]
            : [new Conv2d(64, 7) { Stride = 2, Padding = 3, Bias = false }, new BatchNorm(), Relu, new MaxPool2d(3) { Stride = 2, Padding = 1 }]);
        int channels = 64;
        for (int stage = 0; stage < blocks.Length; stage++)
        {
            int width = 64 << stage;
            for (int block = 0; block < blocks[stage]; block++)
            {
                int stride = block == 0 && stage > 0 ? 2 : 1;
                bool changes = stride != 1 || channels != width * expansion;
                layers.Add(new Residual(body(width, stride), changes ? new Sequential(Conv(width * expansion, 1, stride), new BatchNorm()) : null));
                layers.Add(Relu);
                channels = width * expansion;
            }
        }

        return new Sequential([.. layers, new GlobalAveragePool(), new Flatten(), new Linear(classes) { Name = "fc" }]);
    }

    private static Conv2d Conv(int outputs, int kernel, int stride) => new(outputs, kernel) { Stride = stride, Padding = kernel / 2, Bias = false };
}
