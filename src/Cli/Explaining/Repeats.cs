namespace Singa.Actors.Cli.Explaining;

/// <summary>A stretch that comes several times in a row: <c>Count</c> times <c>Period</c> items from <c>First</c>.</summary>
internal readonly record struct Repeat(int First, int Period, int Count)
{
    public int End => First + Period * Count;

    /// <summary>
    /// Cuts a sequence into stretches that repeat and those that do not (<c>Count</c> 1, <c>Period</c> 1), from the left, wherever possible the one that
    /// covers most. Unrolled loops are what it finds: the steps of a recurrent layer.
    /// </summary>
    /// <param name="periodMax">Longer patterns are not looked for.</param>
    /// <param name="least">Fewer repeats are not worth the hiding.</param>
    public static IReadOnlyList<Repeat> Cut(IReadOnlyList<string> items, int periodMax = 32, int least = 3)
    {
        var cut = new List<Repeat>();
        for (int at = 0; at < items.Count; at = cut[^1].End)
        {
            var best = new Repeat(at, 1, 1);
            for (int period = 1; period <= periodMax && at + period * least <= items.Count; period++)
            {
                int same = at + period;
                while (same < items.Count && items[same] == items[same - period])
                    same++;
                var found = new Repeat(at, period, (same - at) / period);
                if (found.Count >= least && found.End > best.End)
                    best = found;
            }

            cut.Add(best);
        }

        return cut;
    }
}
