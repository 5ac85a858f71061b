using Singa.Actors.Graph.Random;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Which samples are held back from training where nobody gives any for the test: drawn for the seed, both parts in their old order.</summary>
internal static class HeldBack
{
    /// <param name="fraction">Of all samples; 0: none are held back, otherwise at least one is.</param>
    /// <param name="from">The file or folder, for the sentence of a refusal.</param>
    /// <exception cref="JobRefusedException">There are not enough.</exception>
    public static (int[] Trained, int[] Held) Split(int count, double fraction, ulong seed, string from)
    {
        int tests = Count(count, fraction, from);
        var held = new bool[count];
        var order = new SampleOrder(Philox.Key(seed, "held back"), count);
        for (int i = 0; i < tests; i++)
            held[order[0, i]] = true;
        return ([.. All(count).Where(sample => !held[sample])], [.. All(count).Where(sample => held[sample])]);
    }

    /// <summary>How many are held back.</summary>
    /// <exception cref="JobRefusedException"/>
    public static int Count(int count, double fraction, string from)
    {
        if (fraction is not (>= 0 and < 1))
            throw new JobRefusedException($"data.test-fraction is {fraction}; it must be from 0 to below 1");
        if (fraction == 0)
            return 0;
        return count >= 2 ? Math.Clamp((int)Math.Round(count * fraction), 1, count - 1)
            : throw new JobRefusedException($"{from} has one sample, and some are to be held back; give more, or set data.test-fraction = 0");
    }

    public static int[] All(int count) => [.. Enumerable.Range(0, count)];
}
