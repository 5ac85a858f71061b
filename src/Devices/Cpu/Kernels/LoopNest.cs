using System.Collections.Immutable;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Dimensions that several operands walk together, as few as describe the same points in the same order:
/// <c>Strides[dimension][operand]</c> in elements.
/// </summary>
internal sealed record LoopNest(ImmutableArray<long> Sizes, ImmutableArray<ImmutableArray<long>> Strides)
{
    public int Rank => Sizes.Length;

    public long Count => Sizes.Aggregate(1L, (count, size) => count * size);

    /// <param name="dims">Size and the operands' strides of each dimension, outermost first.</param>
    public static LoopNest Collapse(IEnumerable<(long Size, ImmutableArray<long> Strides)> dims)
    {
        var kept = new List<(long Size, ImmutableArray<long> Strides)>();
        foreach (var dim in dims.Where(d => d.Size != 1))
        {
            if (kept.Count > 0 && kept[^1] is var outer && Continues(outer.Strides, dim))
                kept[^1] = (outer.Size * dim.Size, dim.Strides);
            else
                kept.Add(dim);
        }

        return new LoopNest([.. kept.Select(d => d.Size)], [.. kept.Select(d => d.Strides)]);
    }

    /// <summary>All but the innermost dimension.</summary>
    public LoopNest Outer => Rank == 0 ? this : new LoopNest(Sizes[..^1], Strides[..^1]);

    private static bool Continues(ImmutableArray<long> outer, (long Size, ImmutableArray<long> Strides) inner)
    {
        for (int i = 0; i < outer.Length; i++)
        {
            if (outer[i] != inner.Strides[i] * inner.Size)
                return false;
        }

        return true;
    }
}
