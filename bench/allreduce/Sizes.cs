namespace Singa.Actors.Bench.AllReduce;

/// <summary>What is summed, and how often.</summary>
internal static class Sizes
{
    public static readonly (long Bytes, int Repeats)[] All =
        [.. new[] { 4L << 10, 64L << 10, 1L << 20, 4L << 20, 16L << 20, 64L << 20 }.Select(b => (b, (int)Math.Clamp((256L << 20) / b, 9, 1001)))];

    public static string Name(long bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : $"{bytes >> 10} KiB";
}
