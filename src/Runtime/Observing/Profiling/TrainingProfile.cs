using System.Collections.Concurrent;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Observing.Profiling;

/// <summary>
/// What the devices of this process did and for how long. Totals count everything; single executions are kept up to a number a device, the
/// last ones, because a long run ends as it went on and not as it began. Read it when the host has stopped.
/// </summary>
/// <param name="kept">Executions that are kept of each device.</param>
public sealed class TrainingProfile(int kept = TrainingProfile.KeptByDefault)
{
    /// <summary>Some hundred steps of a middling model: more than anybody looks at, and as much as a viewer opens.</summary>
    public const int KeptByDefault = 1 << 17;

    private readonly ConcurrentDictionary<string, DeviceTrack> tracks = new();

    /// <summary>In order of the devices' names.</summary>
    public IReadOnlyList<DeviceTrack> Tracks => [.. tracks.Values.OrderBy(t => t.Device, StringComparer.Ordinal)];

    /// <summary>Where a device is to tell what it does.</summary>
    public IExecutionObserver Of(string device) => tracks.GetOrAdd(device, name => new DeviceTrack(name, kept));
}
