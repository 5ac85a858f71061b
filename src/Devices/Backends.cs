using System.Collections.Immutable;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Null;

namespace Singa.Actors.Devices;

/// <summary>The kinds of device that this build can open.</summary>
public static class Backends
{
    public static readonly ImmutableArray<string> Kinds = ["cpu", "null"];

    /// <exception cref="DeviceNotFoundException"/>
    public static IBackend Create(DeviceDescription device) => device.Kind switch
    {
        "cpu" => new CpuBackend(device.Index, new CpuOptions { Threads = device.Threads }),
        "null" => new NullBackend(device.Name),
        _ => throw new DeviceNotFoundException($"device {device.Name} cannot be opened: this build knows the kinds {string.Join(", ", Kinds)}"),
    };
}
