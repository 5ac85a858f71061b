using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The image's gradient as forward convolutions without a stride. Pixels fall into classes by their row and column within a stride; each class is
/// reached by some of the taps only, and is a convolution of the result's gradient with those.
/// </summary>
/// <param name="Of">What the gradient is taken of.</param>
/// <param name="Geometry">One class: as many rows and columns of taps as any of them reaches over; its outputs are the image's channels.</param>
/// <param name="Classes">Row by row.</param>
internal sealed record Adjoint(Geometry Of, Geometry Geometry, AdjointClass[] Classes)
{
    /// <summary>Null where classes differ in size.</summary>
    public static Adjoint? Create(Geometry g)
    {
        var w = g.Window;
        if (g.Height % w.StrideHeight != 0 || g.Width % w.StrideWidth != 0)
            return null;
        var classes = Enumerable.Range(0, w.StrideHeight * w.StrideWidth).Select(i => Class(g, i / w.StrideWidth, i % w.StrideWidth)).ToArray();
        var all = classes.SelectMany(c => c.Taps).ToArray();
        // Nothing is taken off: where every tap is behind, the ones before are there and not used.
        int top = Math.Min(0, all.Min(t => t.Row)), left = Math.Min(0, all.Min(t => t.Column));
        var window = new Window2D(Math.Max(0, all.Max(t => t.Row)) - top + 1, Math.Max(0, all.Max(t => t.Column)) - left + 1, PadTop: -top, PadLeft: -left);
        return new Adjoint(g, new Geometry(window, g.Groups, g.Samples, g.Outputs, g.OutHeight, g.OutWidth, g.Channels, g.Height / w.StrideHeight, g.Width / w.StrideWidth), classes);
    }

    private static AdjointClass Class(Geometry g, int row, int column)
    {
        var w = g.Window;
        var taps = Enumerable.Range(0, g.Taps).Select(t => (Tap: t, Row: row + w.PadTop - t / w.KernelWidth * w.DilationHeight, Column: column + w.PadLeft - t % w.KernelWidth * w.DilationWidth))
            .Where(t => t.Row % w.StrideHeight == 0 && t.Column % w.StrideWidth == 0);
        return new AdjointClass([.. taps.Select(t => new AdjointTap(t.Tap, t.Row / w.StrideHeight, t.Column / w.StrideWidth))]);
    }
}

/// <summary>The taps that reach the pixels in one row and column within a stride, ascending.</summary>
internal sealed record AdjointClass(AdjointTap[] Taps);

/// <summary>A tap of the filter, and how far the result's pixel that it comes from is from the class's pixel.</summary>
internal readonly record struct AdjointTap(int Tap, int Row, int Column);
