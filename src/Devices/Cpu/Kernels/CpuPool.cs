using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Windows on images, plane by plane.</summary>
internal abstract unsafe class CpuPool : CpuKernel
{
    private readonly Work work;

    /// <param name="image">[n, c, h, w].</param>
    /// <param name="result">[n, c, oh, ow]: an element for each window.</param>
    protected CpuPool(Kernel kernel, Window2D window, Operand image, Operand result, CpuContext context)
    {
        foreach (var operand in kernel.Inputs.Concat(kernel.Outputs))
        {
            if (!operand.IsContiguous || operand.Shape.Rank != 4)
                throw new NotSupportedException($"pooling takes contiguous [n, c, h, w], not {operand.Shape} with strides {string.Join(", ", operand.Strides)}");
        }

        (work, Window, Planes) = (context.Work, window, image.Shape[0] * image.Shape[1]);
        (Height, Width, OutHeight, OutWidth) = checked(((int)image.Shape[2], (int)image.Shape[3], (int)result.Shape[2], (int)result.Shape[3]));
    }

    protected Window2D Window { get; }

    protected long Planes { get; }

    protected int Height { get; }

    protected int Width { get; }

    protected int OutHeight { get; }

    protected int OutWidth { get; }

    /// <summary>Elements of a plane of the image.</summary>
    protected long Size => (long)Height * Width;

    /// <summary>Elements of a plane of the result.</summary>
    protected long OutSize => (long)OutHeight * OutWidth;

    public override int Parts(int threads) => work.Parts(Planes * Math.Max(Size, OutSize), 8, threads, most: Planes);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Planes, 1, part, parts);
        for (long plane = first; plane < end; plane++)
            Plane(plane);
    }

    protected abstract void Plane(long plane);

    /// <summary>Rows or columns of a window that lie inside: the first tap and the one after the last.</summary>
    protected static (int First, int End) Taps(int origin, int taps, int dilation, int size)
    {
        int first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
        int end = origin >= size ? 0 : Math.Min(taps, (size - 1 - origin) / dilation + 1);
        return (first, Math.Max(first, end));
    }
}
