using System.Collections.Immutable;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Null;
using Singa.Actors.Graph.Plans;

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

    /// <summary>Bytes of working memory that a device would allocate beside a plan's arena if it loaded it.</summary>
    public static long ScratchBytes(DeviceDescription device, Plan plan) =>
        device.Kind == "cpu" ? CpuScratch.Of(plan, new CpuOptions { Threads = device.Threads }) : 0;
}
