using System.Runtime.CompilerServices;

namespace Singa.Actors.Graph.Random;

/// <summary>
/// Philox-4x32-10, a counter-based generator: the numbers are a pure function of key and counter, so whoever needs them draws them.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
/// </summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57, Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The four words of the block at a counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint W0, uint W1, uint W2, uint W3) Block(ulong key, ulong counterLow, ulong counterHigh)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        uint c0 = (uint)counterLow, c1 = (uint)(counterLow >> 32), c2 = (uint)counterHigh, c3 = (uint)(counterHigh >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong p0 = (ulong)Multiplier0 * c0, p1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>A key for a purpose: the seed and what the numbers are for, so that no two purposes share a stream.</summary>
    public static ulong Key(ulong seed, string purpose)
    {
        // FNV-1a: a fixed, portable hash of the name; Philox itself does the mixing.
        ulong hash = 14695981039346656037;
        foreach (var unit in purpose)
            hash = (hash ^ unit) * 1099511628211;
        var (w0, w1, _, _) = Block(seed, hash, 0x5347_4E41);
        return w0 | ((ulong)w1 << 32);
    }

    /// <summary>A word as a number in [0, 1): its upper 24 bits, exact in float32.</summary>
    public static float ToUnitFloat(uint word) => (word >> 8) * (1f / (1 << 24));

    /// <summary>Two words as a number in [0, 1) with 53 bits.</summary>
    public static double ToUnitDouble(uint high, uint low) => ((((ulong)high << 32) | low) >> 11) * (1.0 / (1UL << 53));
}
