using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A dimension and what each operand moves along it, in elements.</summary>
internal sealed record Dimension(long Size, long[] Strides)
{
    public static Dimension Of(int axis, Operand shaped, IReadOnlyList<Operand> operands)
    {
        var strides = new long[operands.Count];
        for (int i = 0; i < strides.Length; i++)
            strides[i] = operands[i].Strides[axis];
        return new Dimension(shaped.Shape[axis], strides);
    }

    /// <summary>Whether one step here is the whole of <paramref name="inner"/> for every operand.</summary>
    public bool Continues(Dimension inner)
    {
        for (int i = 0; i < Strides.Length; i++)
        {
            if (Strides[i] != inner.Strides[i] * inner.Size)
                return false;
        }

        return true;
    }
}

/// <summary>
/// Dimensions that several operands walk together, outermost first, as few as describe the same points in the same order.
/// Plain arrays and classes: generic code over structs would have to be compiled at start-up.
/// </summary>
internal sealed record LoopNest(Dimension[] Dimensions)
{
    public int Rank => Dimensions.Length;

    public long Count
    {
        get
        {
            long count = 1;
            foreach (var dimension in Dimensions)
                count *= dimension.Size;
            return count;
        }
    }

    public Dimension Innermost => Dimensions[^1];

    /// <summary>All but the innermost dimension.</summary>
    public LoopNest Outer => Rank == 0 ? this : new LoopNest(Dimensions[..^1]);

    public static LoopNest Collapse(IEnumerable<Dimension> dimensions)
    {
        var kept = new List<Dimension>();
        foreach (var dimension in dimensions)
        {
            if (dimension.Size == 1)
                continue;
            if (kept.Count > 0 && kept[^1].Continues(dimension))
                kept[^1] = dimension with { Size = kept[^1].Size * dimension.Size };
            else
                kept.Add(dimension);
        }

        return new LoopNest([.. kept]);
    }
}
