using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>What changes nothing: x + −0 = x for every x, +0 and −0 included, which x + +0 is not.</summary>
internal static class Neutral
{
    public static double Of(Reduction reduction, DType type) => (reduction, type) switch
    {
        (Reduction.Sum, _) => type.IsFloat() ? -0.0 : 0,
        (Reduction.Maximum, DType.Int32) => int.MinValue,
        (Reduction.Maximum, DType.Int64) => long.MinValue,
        (Reduction.Maximum, _) => double.NegativeInfinity,
        (_, DType.Int32) => int.MaxValue,
        // The literal is a double; the constant's conversion saturates to the greatest Int64.
        (_, DType.Int64) => long.MaxValue,
        _ => double.PositiveInfinity,
    };
}
