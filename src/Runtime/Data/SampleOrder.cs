using System.Numerics;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// The order in which an epoch visits its samples: a permutation of 0 … count − 1 that is a pure function of (seed, epoch), so that
/// any node can compute any place of it and nothing is kept. A Feistel network permutes the next power of four; a place that falls
/// outside the samples walks on along its cycle until it falls inside, which stays a permutation.
/// </summary>
public sealed class SampleOrder
{
    private const int Rounds = 6;

    private readonly ulong key;
    private readonly int halfBits;

    public SampleOrder(ulong seed, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count;
        key = Philox.Key(seed, "sample order");
        halfBits = count <= 1 ? 0 : (BitOperations.Log2((ulong)count - 1) + 2) / 2;
    }

    public long Count { get; }

    /// <summary>The sample at a position, counted from 0, of an epoch, counted from 0.</summary>
    public long this[long epoch, long position]
    {
        get
        {
            if ((ulong)position >= (ulong)Count)
                throw new ArgumentOutOfRangeException(nameof(position), position, $"an epoch has {Count} samples");
            var place = (ulong)position;
            do
                place = Permute((ulong)epoch, place);
            while (place >= (ulong)Count);
            return (long)place;
        }
    }

    private ulong Permute(ulong epoch, ulong place)
    {
        ulong mask = (1UL << halfBits) - 1, left = place >> halfBits, right = place & mask;
        for (int round = 0; round < Rounds; round++)
        {
            var (low, high, _, _) = Philox.Block(key, right | ((ulong)round << 56), epoch);
            (left, right) = (right, left ^ ((low | ((ulong)high << 32)) & mask));
        }

        return (left << halfBits) | right;
    }
}
