using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Draws operands, and the blocks they lie on, by seed.</summary>
public sealed class Draw(int seed)
{
    private static readonly long[] Sizes = [1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 65];

    private readonly System.Random random = new(seed);
    private readonly List<(DType Type, byte[] Data)> blocks = [];

    public IReadOnlyList<(DType Type, byte[] Data)> Blocks => blocks;

    public int Below(int end) => random.Next(end);

    public bool Chance(double probability) => random.NextDouble() < probability;

    public TItem One<TItem>(params TItem[] items) => items[random.Next(items.Length)];

    /// <summary>A shape of few elements; now and then one without any.</summary>
    public Shape Shape(int rank, long most = 4000)
    {
        var dims = new long[rank];
        long count = 1;
        for (int d = rank - 1; d >= 0; d--)
        {
            dims[d] = Chance(0.01) ? 0 : One([.. Sizes.Where(s => s * count <= most)]);
            count *= Math.Max(1, dims[d]);
        }

        return Graph.Shape.Of(dims);
    }

    /// <summary>Something to read: contiguous, transposed, with gaps, or repeating along some dimensions.</summary>
    public Operand Source(DType type, Shape shape) => Chance(0.4) ? Contiguous(type, shape) : Strided(type, shape, repeats: true);

    /// <summary>Something to write, where no element lies twice.</summary>
    public Operand Target(DType type, Shape shape) => Chance(0.6) ? Contiguous(type, shape) : Strided(type, shape, repeats: false);

    public Operand Contiguous(DType type, Shape shape)
    {
        long offset = Chance(0.5) ? 0 : Below(5);
        return new Operand(Block(type, offset + shape.Count), type, shape, [.. shape.ContiguousStrides()], offset);
    }

    /// <summary>Mostly rows that are there, many of them more than once; now and then one that is not.</summary>
    public Operand Indices(Shape shape, long rows)
    {
        var operand = Contiguous(DType.Int32, shape);
        foreach (ref int index in MemoryMarshal.Cast<byte, int>(blocks[operand.Block].Data.AsSpan()))
            index = Chance(0.05) ? One(-1, int.MinValue, int.MaxValue, (int)rows) : rows == 0 ? 0 : Below((int)(Chance(0.3) ? 1 : rows));
        return operand;
    }

    private Operand Strided(DType type, Shape shape, bool repeats)
    {
        var strides = new long[shape.Rank];
        int[] order = [.. Enumerable.Range(0, shape.Rank)];
        if (Chance(0.5))
            random.Shuffle(order);
        long extent = One(1, 1, 1, 2, 3), offset = Below(4);
        foreach (int d in order.Reverse())
        {
            if (repeats && Chance(0.3))
                continue;
            strides[d] = extent;
            extent = extent * Math.Max(1, shape[d]) + (Chance(0.2) ? Below(3) : 0);
        }

        return new Operand(Block(type, offset + extent), type, shape, [.. strides], offset);
    }

    private int Block(DType type, long elements)
    {
        var data = new byte[Math.Max(1, elements) * type.Size()];
        switch (type)
        {
            case DType.Float32: Fill(MemoryMarshal.Cast<byte, float>(data.AsSpan()), x => (float)x, Floating); break;
            case DType.BFloat16: Fill(MemoryMarshal.Cast<byte, ushort>(data.AsSpan()), x => BFloat16.FromSingle((float)x), Floating); break;
            case DType.Float64: Fill(MemoryMarshal.Cast<byte, double>(data.AsSpan()), x => x, Floating); break;
            case DType.Int32: Fill(MemoryMarshal.Cast<byte, int>(data.AsSpan()), x => (int)x, Integer); break;
            case DType.Int64: Fill(MemoryMarshal.Cast<byte, long>(data.AsSpan()), x => (long)x, Integer); break;
            default: Fill(data.AsSpan(), x => (byte)x, () => type == DType.Bool ? Below(2) : Below(256)); break;
        }

        blocks.Add((type, data));
        return blocks.Count - 1;
    }

    private static void Fill<TElement>(Span<TElement> data, Func<double, TElement> convert, Func<double> next)
    {
        foreach (ref var element in data)
            element = convert(next());
    }

    // Everything that rounding, comparing and the order of adding can trip over.
    private double Floating() => Below(40) switch
    {
        0 => 0.0,
        1 => -0.0,
        2 => double.NaN,
        3 => double.PositiveInfinity,
        4 => double.NegativeInfinity,
        5 => 1e-42,
        6 => Below(9) - 4 + 0.5,
        < 12 => Below(9) - 4,
        _ => (random.NextDouble() - 0.5) * Math.Pow(2, Below(24) - 12),
    };

    private double Integer() => Below(8) switch
    {
        0 => int.MinValue,
        1 => int.MaxValue,
        2 => 0,
        _ => Below(2001) - 1000,
    };
}
