namespace Singa.Actors.Devices.Cpu;

/// <summary>How a CPU device is set up. Nothing here changes a bit of a result.</summary>
public sealed record CpuOptions
{
    /// <summary>Threads that work on one kernel, the calling one among them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Width of the kernels' vectors; narrower than the machine's widest only in tests.</summary>
    public VectorWidth Width { get; init; } = VectorWidths.Widest;

    /// <summary>
    /// Elementary steps (about a third of a nanosecond each) below which a kernel is not cut further: what a hand-over to another
    /// thread costs at its worst is a fraction of it. Small only in tests.
    /// </summary>
    public long WorkPerPart { get; init; } = 32 * 1024;

    /// <summary>
    /// Bytes up to which the phases of a kernel may share working memory: what is transformed beyond that is transformed a part at a time. A
    /// few times the second-level cache; less only in tests.
    /// </summary>
    public long SharedScratchMost { get; init; } = 6 << 20;

    /// <summary>Whether weights that rest are kept as kernels want them as well: panels in as much memory again, transformed filters in four times theirs. Off only in tests.</summary>
    public bool KeepsWeights { get; init; } = true;

    /// <summary>Rows or columns above which a product is cut into several, which count theirs in 32 bits. Small only in tests.</summary>
    public long ProductSideMax { get; init; } = 1 << 30;
}
