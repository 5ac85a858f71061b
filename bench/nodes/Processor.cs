using System.Runtime.InteropServices;

namespace Singa.Actors.Bench.Nodes;

internal static class Processor
{
    private const string Table = "/proc/cpuinfo", Key = "model name";

    public static string Name => File.Exists(Table) && File.ReadLines(Table).FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 1)..].Trim()
        : RuntimeInformation.ProcessArchitecture.ToString();
}
