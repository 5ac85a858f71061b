using Singa.Actors.Graph.Random;

namespace Singa.Actors.Runtime.Data.Digits;

/// <summary>The draws of one image: Philox blocks counted from 0 under the image's own number, so images can be drawn in any order.</summary>
internal struct Chance(ulong key, ulong image)
{
    private (uint W0, uint W1, uint W2, uint W3) block;
    private ulong drawn;

    public uint Word()
    {
        if (drawn % 4 == 0)
            block = Philox.Block(key, drawn / 4, image);
        return (drawn++ % 4) switch
        {
            0 => block.W0,
            1 => block.W1,
            2 => block.W2,
            _ => block.W3,
        };
    }

    /// <summary>Within [0, 1).</summary>
    public double Unit() => Word() * (1.0 / (1UL << 32));

    public double Within(double low, double high) => low + (high - low) * Unit();

    /// <summary>0 up to, not including, <paramref name="count"/>.</summary>
    public int Below(int count) => (int)(((ulong)Word() * (uint)count) >> 32);

    /// <summary>About a normal number with mean 0 and deviation 1, never beyond ±3: the sum of four uniform ones.</summary>
    public double Bell() => (Unit() + Unit() + Unit() + Unit() - 2) * 1.7320508075688772;
}
