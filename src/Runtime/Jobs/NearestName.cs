namespace Singa.Actors.Runtime.Jobs;

/// <summary>What somebody probably meant.</summary>
public static class NearestName
{
    private const int ShortFormLength = 4;

    /// <summary>
    /// The candidate with the fewest letters to add, drop, change or swap; case, hyphens and underscores do not count. A word of some
    /// length that begins a candidate is its short form, whatever is missing.
    /// </summary>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        string plain = Plain(word);
        return candidates.OrderBy(c => plain.Length >= ShortFormLength && Plain(c).StartsWith(plain, StringComparison.Ordinal) ? 1 : Distance(plain, Plain(c))).ThenBy(c => c, StringComparer.Ordinal).FirstOrDefault();
    }

    private static string Plain(string name) => name.Replace("-", "").Replace("_", "").ToLowerInvariant();

    private static int Distance(string a, string b)
    {
        var cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int best = Math.Min(cost[i - 1, j] + 1, cost[i, j - 1] + 1);
                best = Math.Min(best, cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                cost[i, j] = swapped ? Math.Min(best, cost[i - 2, j - 2] + 1) : best;
            }
        }

        return cost[a.Length, b.Length];
    }
}
