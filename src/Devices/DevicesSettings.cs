using Akka.Configuration;

namespace Singa.Actors.Devices;

/// <summary><c>singa.devices</c>; <c>hocon/reference.conf</c> explains each key.</summary>
public sealed record DevicesSettings(TimeSpan SpinTime, int QueueDepth, TimeSpan StopGrace, TimeSpan WatchInterval)
{
    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static DevicesSettings From(Config? config)
    {
        var devices = SingaConfig.WithReference(config).GetConfig("singa.devices");
        var settings = new DevicesSettings(
            devices.GetTimeSpan("spin-time", allowInfinite: false), devices.GetInt("queue-depth"), devices.GetTimeSpan("stop-grace", allowInfinite: false),
            devices.GetTimeSpan("watch-interval", allowInfinite: false));
        if (settings.SpinTime < TimeSpan.Zero || settings.SpinTime > TimeSpan.FromSeconds(1))
            throw new ConfigurationException($"singa.devices.spin-time is {settings.SpinTime.TotalMilliseconds} ms; it must be between 0 and 1 s");
        if (settings.WatchInterval <= TimeSpan.Zero)
            throw new ConfigurationException($"singa.devices.watch-interval is {settings.WatchInterval.TotalMilliseconds} ms; it must be longer than nothing");
        return settings.QueueDepth >= 1
            ? settings
            : throw new ConfigurationException($"singa.devices.queue-depth is {settings.QueueDepth}; it must be at least 1");
    }
}
