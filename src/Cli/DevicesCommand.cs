using System.Globalization;
using Singa.Actors.Devices;

namespace Singa.Actors.Cli;

/// <summary><c>singa devices</c>: what this machine has, by the names that <c>--devices</c> takes.</summary>
internal static class DevicesCommand
{
    public static void Run(string[] words, TextWriter output)
    {
        if (words.Length > 0)
            throw new UsageException($"singa devices takes no arguments, not {string.Join(' ', words)}");
        var table = new TextTable("device", "threads", "memory", "description");
        foreach (var device in DeviceCatalog.Parse(null, null, Environment.ProcessorCount))
        {
            using var backend = Backends.Create(device);
            var properties = backend.Properties;
            table.Add(
                device.Name, properties.Threads.ToString(CultureInfo.InvariantCulture), TextTable.Bytes(properties.MemoryBytes), properties.Description);
        }

        table.Write(output);
    }
}
