namespace Singa.Actors.Devices.Cpu;

/// <summary>How a CPU device is set up. Neither changes a bit of a result.</summary>
public sealed record CpuOptions
{
    /// <summary>Threads that work on one kernel, the calling one among them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Width of the kernels' vectors; narrower than the machine's widest only in tests.</summary>
    public VectorWidth Width { get; init; } = VectorWidths.Widest;
}
