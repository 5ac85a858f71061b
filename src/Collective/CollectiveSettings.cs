using Akka.Configuration;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary><c>singa.collective</c>; <c>hocon/reference.conf</c> explains each key.</summary>
public sealed record CollectiveSettings(TimeSpan StepDeadline, TimeSpan WatchInterval, int RoundsAhead)
{
    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static CollectiveSettings From(Config? config)
    {
        var collective = SingaConfig.WithReference(config).GetConfig("singa.collective");
        var settings = new CollectiveSettings(
            collective.GetTimeSpan("step-deadline", allowInfinite: false),
            collective.GetTimeSpan("watch-interval", allowInfinite: false),
            collective.GetInt("rounds-ahead"));
        if (settings.StepDeadline <= TimeSpan.Zero || settings.WatchInterval <= TimeSpan.Zero)
            throw new ConfigurationException("singa.collective.step-deadline and watch-interval must be longer than nothing");
        return settings.RoundsAhead >= 0
            ? settings
            : throw new ConfigurationException($"singa.collective.rounds-ahead is {settings.RoundsAhead}; it cannot be negative");
    }
}
