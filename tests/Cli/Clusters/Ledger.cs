using System.Text.Json;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>What was committed, by the file that <c>--ledger</c> wrote.</summary>
internal static class Ledger
{
    /// <summary>Each step has each shard once, and each whole epoch each sample once.</summary>
    public static void IsWhole(string file, int steps, int shards, int samples)
    {
        var lines = File.ReadLines(file).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToArray();
        Assert.Equal(
            Enumerable.Range(0, steps).SelectMany(step => Enumerable.Range(0, shards).Select(shard => (step, shard))),
            lines.Select(l => (l.GetProperty("step").GetInt32(), l.GetProperty("shard").GetInt32())).Order());
        foreach (var epoch in lines.GroupBy(l => l.GetProperty("epoch").GetInt32()))
        {
            int[] seen = [.. epoch.SelectMany(l => l.GetProperty("samples").EnumerateArray().Select(s => s.GetInt32())).Order()];
            if (epoch.Key < lines[^1].GetProperty("epoch").GetInt32())
                Assert.Equal(Enumerable.Range(0, samples), seen);
            else
                Assert.Equal(seen.Distinct(), seen);
        }
    }

    /// <summary>Generations that committed a step.</summary>
    public static long[] Generations(string file) =>
        [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<JsonElement>(line).GetProperty("generation").GetInt64()).Distinct()];
}
