using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// A product whose operands lie as BFloat16 is computed some rows at a time, so that only these are ever there as Float32. A kernel's bits do
/// not depend on how many rows it is given.
/// </summary>
internal static class Slices
{
    /// <summary>Stays in most machines' second-level cache and is worth a kernel; a convolution transforms its filter for each.</summary>
    public const long OfProducts = 1 << 20, OfConvolutions = 2 << 20;

    /// <param name="bytes">Of Float32 that all of them would take.</param>
    /// <param name="most">Of that, what may be there at once.</param>
    public static IEnumerable<(long First, long Count)> Of(long count, long bytes, long most)
    {
        long slices = Math.Clamp((bytes + most - 1) / most, 1, Math.Max(1, count));
        for (long slice = 0, first = 0; slice < slices; slice++)
        {
            long end = count * (slice + 1) / slices;
            yield return (first, end - first);
            first = end;
        }
    }

    public static Operand Cut(Operand whole, int axis, (long First, long Count) slice) => whole with
    {
        Shape = whole.Shape.With(axis, slice.Count),
        Offset = whole.Offset + slice.First * whole.Strides[axis],
    };

    /// <summary>What an operand takes as Float32 beside its place in memory.</summary>
    public static long BytesBeside(Operand operand) => operand.DType == DType.BFloat16 ? operand.Shape.Count * sizeof(float) : 0;
}
