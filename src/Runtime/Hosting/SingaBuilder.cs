using Akka.Configuration;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>What a host says about itself when it adds Singa; what is said later wins over what was said before.</summary>
public sealed class SingaBuilder
{
    /// <summary>What was said so far; <c>hocon/reference.conf</c> fills the rest.</summary>
    public Config Config { get; private set; } = Config.Empty;

    /// <summary>Where time comes from; tests bring their own.</summary>
    internal TimeProvider Time { get; private set; } = TimeProvider.System;

    /// <summary>Opens a device; tests bring devices that fail.</summary>
    internal Func<DeviceDescription, IBackend> Open { get; private set; } = Backends.Create;

    /// <summary>How long whom is waited for when a generation ends; tests that are not about it have patience.</summary>
    internal RegroupingTimes Regrouping { get; private set; } = RegroupingTimes.Default;

    /// <summary>Who sees what a device does, by the device's name; null for nobody.</summary>
    internal Func<string, IExecutionObserver?> Observe { get; private set; } = _ => null;

    /// <summary>Lays a HOCON file over the defaults.</summary>
    /// <exception cref="FileNotFoundException"/>
    public SingaBuilder WithConfig(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"there is no configuration file {path}", path);
        return WithHocon(File.ReadAllText(path));
    }

    /// <summary>Lays HOCON over the defaults.</summary>
    public SingaBuilder WithHocon(string hocon) => WithConfig(ConfigurationFactory.ParseString(hocon));

    public SingaBuilder WithConfig(Config config)
    {
        Config = config.WithFallback(Config);
        return this;
    }

    /// <summary>As in <c>cpu=2</c> or <c>cpu:0,cuda:1</c>; empty takes every device found.</summary>
    public SingaBuilder WithDevices(string list) => WithSetting("singa.runtime.devices", list);

    /// <summary>One setting, whatever characters are in it.</summary>
    public SingaBuilder WithSetting(string path, string text) => WithHocon($"{path} = \"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"");

    /// <summary>Of each CPU device.</summary>
    public SingaBuilder WithThreads(int threads) => WithHocon(FormattableString.Invariant($"singa.runtime.threads = {threads}"));

    /// <summary>Has every device tell the profile what it does; costs some tens of nanoseconds an operation.</summary>
    public SingaBuilder WithProfile(Observing.Profiling.TrainingProfile profile)
    {
        Observe = profile.Of;
        return this;
    }

    internal SingaBuilder WithBackends(Func<DeviceDescription, IBackend> open)
    {
        Open = open;
        return this;
    }

    internal SingaBuilder WithTime(TimeProvider time)
    {
        Time = time;
        return this;
    }

    internal SingaBuilder WithRegrouping(RegroupingTimes times)
    {
        Regrouping = times;
        return this;
    }
}
