using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Singa.Actors.Devices.Queue;

namespace Singa.Actors.Devices;

/// <summary>
/// Where OpenTelemetry, or whatever else listens to <see cref="System.Diagnostics"/>, hears of Singa: <c>AddSource("Singa.Actors")</c> and
/// <c>AddMeter("Singa.Actors")</c>. Nothing is measured while nobody listens.
/// </summary>
public static class Telemetry
{
    public const string Name = "Singa.Actors", DeviceTag = "device";

    private static readonly ConcurrentDictionary<DeviceGauges, string> devices = new();

    static Telemetry()
    {
        Gauge("singa.queue.depth", "{operation}", "operations admitted to the device and not yet done", d => d.Queue.Count is var (queued, running) ? queued + running : 0);
        Gauge("singa.arena.size", "By", "memory that the loaded plans occupy: arenas, scratch, buckets", d => d.PlannedBytes);
        Gauge("singa.memory.allocated", "By", "memory that the device's allocator holds", d => d.Allocator.AllocatedBytes);
    }

    public static ActivitySource Source { get; } = new(Name);

    public static Meter Meter { get; } = new(Name);

    internal static void Add(DeviceGauges device, string name) => devices[device] = name;

    internal static void Remove(DeviceGauges device) => devices.TryRemove(device, out _);

    private static void Gauge(string name, string unit, string description, Func<DeviceGauges, long> value) => Meter.CreateObservableGauge(
        name, () => devices.Select(d => new Measurement<long>(value(d.Key), new KeyValuePair<string, object?>(DeviceTag, d.Value))), unit, description);
}

/// <summary>What can be read of a device at any time, from any thread.</summary>
internal sealed class DeviceGauges(OpQueue queue, DeviceAllocator allocator)
{
    private long plannedBytes;

    public OpQueue Queue => queue;

    public DeviceAllocator Allocator => allocator;

    public long PlannedBytes
    {
        get => Volatile.Read(ref plannedBytes);
        set => Volatile.Write(ref plannedBytes, value);
    }
}
