using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

internal static class ReferencePool
{
    public static void Run(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (image, target) = (new ReferenceView(kernel.Image, blocks), new ReferenceView(kernel.Target, blocks));
        if (kernel.Tangent is not null)
        {
            var tangent = new ReferenceView(kernel.Tangent, blocks);
            foreach (var index in ReferenceView.Indices(target.Shape))
                target[index] = Window(kernel.Window, image, index).At is { } at ? tangent[at] : Value.Zero(target.Type);
            return;
        }

        if (kernel.Gradient is null)
        {
            foreach (var index in ReferenceView.Indices(target.Shape))
                target[index] = Window(kernel.Window, image, index).Best;
            return;
        }

        var gradient = new ReferenceView(kernel.Gradient, blocks);
        foreach (var index in ReferenceView.Indices(target.Shape))
            target[index] = Value.Zero(target.Type);
        foreach (var index in ReferenceView.Indices(gradient.Shape))
        {
            if (Window(kernel.Window, image, index).At is { } at)
                target[at] += gradient[index];
        }
    }

    public static void Run(SumPoolKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (source, target) = (new ReferenceView(kernel.Source, blocks), new ReferenceView(kernel.Target, blocks));
        foreach (var index in ReferenceView.Indices(target.Shape))
            target[index] = Value.Zero(target.Type);
        foreach (var index in ReferenceView.Indices((kernel.Adjoint ? source : target).Shape))
        {
            foreach (var tap in Taps(kernel.Window, (kernel.Adjoint ? target : source).Shape, index))
            {
                if (kernel.Adjoint)
                    target[tap] += source[index];
                else
                    target[index] += source[tap];
            }
        }
    }

    private static (Value Best, long[]? At) Window(Window2D window, ReferenceView image, long[] index)
    {
        var best = Value.Float(image.Type, double.NegativeInfinity);
        long[]? at = null;
        foreach (var tap in Taps(window, image.Shape, index))
        {
            var value = image[tap];

            // The first of equals keeps the gradient, zeros of either sign being equal; the value is the maximum of IEEE 754.
            if (at is null || Value.Less(best, value) || (double.IsNaN(value.Number) && !double.IsNaN(best.Number)))
                at = tap;
            best = Value.Maximum(best, value);
        }

        return (best, at);
    }

    private static IEnumerable<long[]> Taps(Window2D window, Graph.Shape image, long[] index)
    {
        for (int kh = 0; kh < window.KernelHeight; kh++)
        {
            for (int kw = 0; kw < window.KernelWidth; kw++)
            {
                long h = index[2] * window.StrideHeight - window.PadTop + kh * window.DilationHeight;
                long w = index[3] * window.StrideWidth - window.PadLeft + kw * window.DilationWidth;
                if (h >= 0 && w >= 0 && h < image[2] && w < image[3])
                    yield return [index[0], index[1], h, w];
            }
        }
    }
}
