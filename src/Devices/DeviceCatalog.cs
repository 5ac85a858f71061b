using System.Collections.Immutable;
using System.Globalization;

namespace Singa.Actors.Devices;

/// <summary>
/// From what people write to devices: names (<c>cpu:0</c>), several of a kind (<c>cpu=2</c>: this machine's CPU as two devices), and
/// lists of both with commas between.
/// </summary>
public static class DeviceCatalog
{
    private const int IndexMost = 255;

    /// <param name="list">Null or empty: every device found, the CPU as one.</param>
    /// <param name="threads">For each CPU device; null: <paramref name="cores"/> divided by the CPU devices, at least 1.</param>
    /// <exception cref="DeviceNotFoundException">Says which entry is wrong and what could stand there.</exception>
    public static ImmutableArray<DeviceDescription> Parse(string? list, int? threads, int cores)
    {
        if (threads < 1)
            throw new DeviceNotFoundException($"a CPU device needs at least 1 thread, not {threads}");
        var names = string.IsNullOrWhiteSpace(list) ? [("cpu", 0)] : list.Split(',').SelectMany(Entry).ToArray();
        var twice = names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
            throw new DeviceNotFoundException($"device {twice.Key.Item1}:{twice.Key.Item2} is named twice in '{list}'");
        int share = Math.Max(1, cores / Math.Max(1, names.Count(n => n.Item1 == "cpu")));
        return [.. names.Select(n => new DeviceDescription(n.Item1, n.Item2, n.Item1 == "cpu" ? threads ?? share : 1))];
    }

    private static IEnumerable<(string Kind, int Index)> Entry(string entry)
    {
        entry = entry.Trim();
        int at = entry.AsSpan().IndexOfAny(':', '=');
        if (at < 1 || !int.TryParse(entry.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            throw new DeviceNotFoundException($"'{entry}' is no device: write KIND:INDEX as in cpu:0, or KIND=N as in cpu=2");
        string kind = entry[..at];
        if (!Backends.Kinds.Contains(kind))
            throw new DeviceNotFoundException($"'{entry}': there is no device of kind '{kind}' here; this build knows {string.Join(", ", Backends.Kinds)}");
        if (entry[at] == ':')
            return number <= IndexMost ? [(kind, number)] : throw new DeviceNotFoundException($"'{entry}': device numbers go up to {IndexMost}");
        return number is >= 1 and <= IndexMost
            ? Enumerable.Range(0, number).Select(i => (kind, i))
            : throw new DeviceNotFoundException($"'{entry}': a machine makes 1 to {IndexMost} devices of a kind");
    }
}
