using Akka.Configuration;

namespace Singa.Actors.Runtime;

/// <summary><c>singa.runtime</c>; <c>hocon/reference.conf</c> explains each key.</summary>
public sealed record RuntimeSettings(
    int StepsAhead, int BatchesAhead, TimeSpan DeviceTimeout, TimeSpan PrepareTimeout, TimeSpan StepTimeout, TimeSpan ReleaseTimeout, TimeSpan RestTimeout, TimeSpan ConductInterval,
    TimeSpan GatherTime, TimeSpan RebalanceAfter, int ProgressBuffer)
{
    /// <param name="hocon">A host's configuration, as it is written.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static RuntimeSettings Parse(string hocon) => From(ConfigurationFactory.ParseString(hocon));

    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static RuntimeSettings From(Config? config)
    {
        var runtime = Devices.SingaConfig.WithReference(config).GetConfig("singa.runtime");
        var settings = new RuntimeSettings(
            runtime.GetInt("steps-ahead"), runtime.GetInt("batches-ahead"), Time("device-timeout"), Time("prepare-timeout"), Time("step-timeout"),
            Time("release-timeout"), Time("rest-timeout"), Time("conduct-interval"), Time("gather-time"), Time("rebalance-after"), runtime.GetInt("progress-buffer"));
        Require(settings.StepsAhead >= 1, "steps-ahead", "at least 1");
        Require(settings.BatchesAhead >= 1, "batches-ahead", "at least 1");
        Require(settings.ProgressBuffer >= 1, "progress-buffer", "at least 1");
        return settings;

        TimeSpan Time(string key)
        {
            var time = runtime.GetTimeSpan(key, allowInfinite: false);
            Require(time > TimeSpan.Zero, key, "longer than nothing");
            return time;
        }

        void Require(bool holds, string key, string what)
        {
            if (!holds)
                throw new ConfigurationException($"singa.runtime.{key} is {runtime.GetString(key)}; it must be {what}");
        }
    }
}
