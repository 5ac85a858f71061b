namespace Singa.Actors.Runtime.Cluster.Joining;

/// <summary>
/// What a cluster goes by from its first to its last member. One that is begun again by those who were in it has the same name with another ending, so
/// that others who remember it know it, and two that were begun at once are told apart.
/// </summary>
internal static class ClusterName
{
    private const char Separator = '-';

    public static string New() => Guid.NewGuid().ToString("N");

    public static string Again(string before) => $"{Stem(before)}{Separator}{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>Whether both are one, or one followed the other.</summary>
    public static bool AreAkin(string first, string second) => Stem(first).SequenceEqual(Stem(second));

    private static ReadOnlySpan<char> Stem(string name) => name.IndexOf(Separator) is >= 0 and var end ? name.AsSpan(0, end) : name;
}
