namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>A number of a graph that was traced for n samples: <c>Each</c> · n + <c>Fixed</c>.</summary>
internal readonly record struct Extent(long Each, long Fixed)
{
    public bool IsFixed => Each == 0;

    /// <summary>The number of samples itself.</summary>
    public bool IsCount => this == new Extent(1, 0);

    /// <summary>From the values at two numbers of samples; null where no line leads through them in whole numbers.</summary>
    public static Extent? Through(long first, long second, (int First, int Second) samples)
    {
        long rise = second - first, run = samples.Second - samples.First;
        return rise == 0 ? new Extent(0, first) : rise % run != 0 ? null : new Extent(rise / run, first - rise / run * samples.First);
    }

    public long At(long samples) => Each * samples + Fixed;

    public override string ToString() => IsFixed ? $"{Fixed}" : (Each == 1 ? "n" : $"{Each}·n") + (Fixed == 0 ? "" : $"+{Fixed}");
}
