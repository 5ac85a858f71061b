namespace Singa.Actors.Bench.AllReduce;

/// <summary>What is summed, and how often.</summary>
internal static class Sizes
{
    public const string Usual = "4096,65536,1048576,4194304,16777216,67108864";

    /// <summary>From bytes with commas between.</summary>
    public static (long Bytes, int Repeats)[] All { get; private set; } = Of(Usual);

    public static void Take(string list) => All = Of(list);

    private static (long Bytes, int Repeats)[] Of(string list) => [.. list.Split(',').Select(long.Parse).Select(b => (b, (int)Math.Clamp((256L << 20) / b, 9, 1001)))];

    public static string Name(long bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : $"{bytes >> 10} KiB";
}
