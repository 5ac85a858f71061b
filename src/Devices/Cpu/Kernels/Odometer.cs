using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Pointers that walk a <see cref="LoopNest"/> point by point. Its tables are made once; walking allocates nothing.</summary>
internal sealed unsafe class Odometer
{
    /// <summary>More dimensions than any plan has after neighbours were joined.</summary>
    public const int MaxRank = 16;

    private readonly long[] sizes;

    // Bytes that operand i moves per step of dimension d: [d * operands + i].
    private readonly long[] steps;
    private readonly int operands;

    public Odometer(LoopNest nest, IReadOnlyList<Operand> walking)
    {
        if (nest.Rank > MaxRank)
            throw new NotSupportedException($"a kernel walks {nest.Rank} dimensions that cannot be joined; {MaxRank} is the most the CPU takes");
        operands = walking.Count;
        sizes = new long[nest.Rank];
        steps = new long[nest.Rank * operands];
        for (int d = 0; d < nest.Rank; d++)
        {
            sizes[d] = nest.Dimensions[d].Size;
            for (int i = 0; i < operands; i++)
                steps[d * operands + i] = nest.Dimensions[d].Strides[i] * walking[i].DType.Size();
        }

        Count = nest.Count;
    }

    public long Count { get; }

    public int Rank => sizes.Length;

    /// <summary>Bytes that an operand moves from point to point, of at most one dimension.</summary>
    public long Step(int operand) => Rank == 0 ? 0 : steps[operand];

    /// <summary>Puts pointers and index at the point of a row-major number. <paramref name="index"/> has <see cref="Rank"/> places.</summary>
    public void Seek(long point, byte** start, byte** pointers, long* index)
    {
        for (int i = 0; i < operands; i++)
            pointers[i] = start[i];
        for (int d = sizes.Length - 1; d >= 0; d--)
        {
            index[d] = point % sizes[d];
            point /= sizes[d];
            for (int i = 0; i < operands; i++)
                pointers[i] += index[d] * steps[d * operands + i];
        }
    }

    /// <summary>On to the next point; after the last one, back to the first.</summary>
    public void Next(byte** pointers, long* index)
    {
        for (int d = sizes.Length - 1; d >= 0; d--)
        {
            bool carry = ++index[d] == sizes[d];
            long back = carry ? sizes[d] - 1 : 0;
            for (int i = 0; i < operands; i++)
            {
                long step = steps[d * operands + i];
                pointers[i] += carry ? -back * step : step;
            }

            if (!carry)
                return;
            index[d] = 0;
        }
    }
}
