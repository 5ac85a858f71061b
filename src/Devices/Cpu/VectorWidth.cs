using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu;

/// <summary>Bytes of the vectors that kernels are written in. Never changes a bit of a result.</summary>
public enum VectorWidth
{
    V128 = 16,
    V256 = 32,
    V512 = 64,
}

public static class VectorWidths
{
    private const string Override = "SINGA_VECTOR_BITS";

    /// <summary>The widest that this machine runs in hardware, or what the environment variable SINGA_VECTOR_BITS asks for.</summary>
    /// <exception cref="InvalidOperationException">The variable is not 128, 256 or 512, or the machine has no such vectors.</exception>
    public static VectorWidth Widest { get; } = Choose(Environment.GetEnvironmentVariable(Override));

    /// <summary>All that this machine runs in hardware, widest first; 128 bits are always there.</summary>
    public static IReadOnlyList<VectorWidth> Available { get; } =
        [.. new[] { VectorWidth.V512, VectorWidth.V256, VectorWidth.V128 }.Where(IsAccelerated)];

    private static bool IsAccelerated(VectorWidth width) => width switch
    {
        VectorWidth.V512 => Vector512.IsHardwareAccelerated,
        VectorWidth.V256 => Vector256.IsHardwareAccelerated,
        _ => true,
    };

    private static VectorWidth Choose(string? asked)
    {
        var widest = IsAccelerated(VectorWidth.V512) ? VectorWidth.V512
            : IsAccelerated(VectorWidth.V256) ? VectorWidth.V256
            : VectorWidth.V128;
        if (string.IsNullOrEmpty(asked))
            return widest;
        VectorWidth? width = asked switch { "128" => VectorWidth.V128, "256" => VectorWidth.V256, "512" => VectorWidth.V512, _ => null };
        if (width is null)
            throw new InvalidOperationException($"{Override} is '{asked}'; it takes 128, 256 or 512");
        return width <= widest ? width.Value
            : throw new InvalidOperationException($"{Override} asks for {asked} bits; the widest vectors of this machine have {(int)widest * 8}");
    }
}
