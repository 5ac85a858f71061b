using ScottPlot;
using SkiaSharp;

namespace Singa.Actors.Cli.Plotting;

/// <summary>
/// Curves of one or more runs as a picture: a panel a figure, a colour a run. What was trained on is faint where it jumps and firm
/// where it is smoothed; what was held back are points with a line.
/// </summary>
internal sealed class LearningCurves
{
    private const int Width = 1000, TallPanel = 480, Panel = 300;

    /// <summary>Fewer points than this are no crowd: they are shown as they are.</summary>
    private const int Crowd = 40;

    private const int PointsMax = 2000;
    private const double SmoothedShare = 0.012, PixelsPerUnit = 2;

    private static readonly IPalette Colours = new ScottPlot.Palettes.Category10();

    private readonly IReadOnlyList<Plot> panels;

    public LearningCurves(IReadOnlyList<Curve> curves)
    {
        string[] runs = [.. curves.Select(c => c.Run).Distinct()];
        var groups = curves.GroupBy(c => c.Figure).OrderBy(g => g.Key).ToArray();
        var (first, last) = (curves.Min(c => c.Steps[0]), curves.Max(c => c.Steps[^1]));
        panels = [.. groups.Select(g => Draw(g.Key, [.. g], runs, first, last, isLast: g.Key == groups[^1].Key))];
    }

    private int Height => TallPanel + Panel * (panels.Count - 1);

    public byte[] Svg()
    {
        using var stream = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(new SKRect(0, 0, Width, Height), stream))
            Render(canvas);
        return stream.ToArray();
    }

    public byte[] Png()
    {
        using var surface = SKSurface.Create(new SKImageInfo((int)(Width * PixelsPerUnit), (int)(Height * PixelsPerUnit)));
        surface.Canvas.Scale((float)PixelsPerUnit);
        Render(surface.Canvas);
        using var picture = surface.Snapshot();
        using var data = picture.Encode(SKEncodedImageFormat.Png, quality: 100);
        return data.ToArray();
    }

    private void Render(SKCanvas canvas)
    {
        int top = 0;
        for (int i = 0; i < panels.Count; i++)
        {
            int height = i == 0 ? TallPanel : Panel;
            canvas.Save();
            // A panel begins by clearing its canvas; the others are to stay.
            canvas.ClipRect(new SKRect(0, top, Width, top + height));
            panels[i].Render(canvas, new PixelRect(0, Width, top + height, top));
            canvas.Restore();
            top += height;
        }
    }

    private static Plot Draw(Figure figure, Curve[] curves, string[] runs, double first, double last, bool isLast)
    {
        curves = [.. curves.Select(c => figure == Figure.Accuracy ? InPercent(c) : c)];
        var plot = new Plot();
        var scale = Scale.For(figure, curves);
        foreach (var curve in curves.OrderBy(c => c.HeldBack))
            Add(plot, curve, scale, Colours.GetColor(Array.IndexOf(runs, curve.Run)), runs.Length > 1);

        plot.Axes.Margins(0, 0.06);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsX(first, Math.Max(last, first + 1));
        var limits = plot.Axes.GetLimits();
        plot.Axes.Left.TickGenerator = scale.Ticks(limits.Bottom, limits.Top);
        plot.YLabel(figure switch
        {
            Figure.Loss => "loss, mean over samples",
            Figure.Accuracy => "accuracy, %",
            _ => "perplexity",
        } + (scale.IsLogarithmic ? " (log scale)" : ""));
        if (isLast)
            plot.XLabel("step");
        Style(plot);
        plot.ShowLegend(figure == Figure.Accuracy ? Alignment.LowerRight : Alignment.UpperRight);
        return plot;
    }

    private static void Add(Plot plot, Curve curve, Scale scale, Color colour, bool several)
    {
        string name = curve.HeldBack ? "held back" : "training";
        if (several)
            name = $"{curve.Run}, {name}";
        bool crowded = !curve.HeldBack && curve.Values.Length >= Crowd;
        if (crowded)
        {
            var raw = plot.Add.ScatterLine(curve.Thinned(PointsMax).Steps, Heights(curve.Thinned(PointsMax)), colour.WithAlpha(0.22));
            raw.LineWidth = 1;
            curve = curve.Smoothed(SmoothedShare).Thinned(PointsMax);
        }

        var line = plot.Add.Scatter(curve.Steps, Heights(curve), colour);
        line.LegendText = name;
        line.LineWidth = curve.HeldBack ? 1.2f : 1.8f;
        line.MarkerSize = curve.HeldBack || curve.Values.Length == 1 ? 7 : 0;

        double[] Heights(Curve of) => [.. of.Values.Select(scale.Of)];
    }

    /// <summary>Shares of one as percent; whoever wrote percent is left alone.</summary>
    private static Curve InPercent(Curve curve) =>
        curve.Values.All(v => v <= 1) ? curve with { Values = [.. curve.Values.Select(v => 100 * v)] } : curve;

    private static void Style(Plot plot)
    {
        var (ink, line) = (Color.FromHex("#333333"), Color.FromHex("#e4e4e4"));
        plot.FigureBackground.Color = Colors.White;
        plot.Axes.Color(ink);
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = line;
        plot.Legend.OutlineColor = line;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.FontSize = 13;
        plot.Font.Set(Lettering.Family);
        foreach (var axis in new IAxis[] { plot.Axes.Left, plot.Axes.Bottom })
        {
            axis.Label.Bold = false;
            axis.Label.FontSize = 14;
            axis.TickLabelStyle.FontSize = 12;
        }

        plot.Layout.Fixed(new PixelPadding(80, 24, plot.Axes.Bottom.Label.Text.Length > 0 ? 56 : 32, 18));
    }
}
