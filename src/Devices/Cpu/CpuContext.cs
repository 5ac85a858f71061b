using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Devices.Cpu.Kernels;

namespace Singa.Actors.Devices.Cpu;

/// <summary>What kernels of one CPU device are compiled with.</summary>
public sealed class CpuContext(CpuOptions options)
{
    public VectorWidth Width { get; } = options.Width;

    /// <summary>Size of the team, the caller included.</summary>
    public int Threads { get; } = options.Threads;

    public long SharedScratchMost { get; } = options.SharedScratchMost;

    public bool KeepsWeights { get; } = options.KeepsWeights;

    /// <summary>Decides into how many parts a kernel is cut.</summary>
    public Work Work { get; } = new(options.WorkPerPart);

    /// <summary>As <see cref="CpuOptions.ProductSideMax"/> says.</summary>
    public long ProductSideMax { get; } = options.ProductSideMax;

    /// <summary>Compiled scalar programs, shared by the kernels of the device and gone with it.</summary>
    public RowFunctions Rows { get; } = new(options.Width);
}
