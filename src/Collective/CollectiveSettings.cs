using Akka.Configuration;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary><c>singa.collective</c>; <c>hocon/reference.conf</c> explains each key.</summary>
public sealed record CollectiveSettings(StepDeadline Deadline, TimeSpan WatchInterval, int RoundsAhead)
{
    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static CollectiveSettings From(Config? config)
    {
        var collective = SingaConfig.WithReference(config).GetConfig("singa.collective");
        var settings = new CollectiveSettings(
            new StepDeadline(Time("step-deadline-least"), Time("first-step-deadline-least"), collective.GetDouble("step-deadline-factor")),
            Time("watch-interval"),
            collective.GetInt("rounds-ahead"));
        if (settings.Deadline.Factor < 0)
            throw new ConfigurationException($"singa.collective.step-deadline-factor is {settings.Deadline.Factor}; it cannot be negative");
        return settings.RoundsAhead >= 0
            ? settings
            : throw new ConfigurationException($"singa.collective.rounds-ahead is {settings.RoundsAhead}; it cannot be negative");

        TimeSpan Time(string key) => collective.GetTimeSpan(key, allowInfinite: false) is var time && time > TimeSpan.Zero
            ? time
            : throw new ConfigurationException($"singa.collective.{key} must be longer than nothing");
    }
}
