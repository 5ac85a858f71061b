using System.Collections.Immutable;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using Singa.Actors.Collective;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>All of <c>singa</c> that this process needs to know.</summary>
public sealed record SingaSettings(ImmutableArray<DeviceDescription> Devices, DevicesSettings Device, CollectiveSettings Collective, RuntimeSettings Runtime)
{
    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    /// <exception cref="DeviceNotFoundException">The devices asked for do not exist here.</exception>
    public static SingaSettings From(Config? config)
    {
        var runtime = SingaConfig.WithReference(config).GetConfig("singa.runtime");
        int threads = runtime.GetInt("threads");
        if (threads < 0)
            throw new ConfigurationException($"singa.runtime.threads is {threads}; it must be at least 1, or 0 for as many as there are cores");
        var devices = DeviceCatalog.Parse(runtime.GetString("devices"), threads == 0 ? null : threads, Environment.ProcessorCount);
        return new SingaSettings(devices, DevicesSettings.From(config), CollectiveSettings.From(config), RuntimeSettings.From(config));
    }

    /// <summary>Of a configuration and the defaults only what is under <c>singa</c>: the rest of the defaults speaks of the system that AddSinga starts.</summary>
    internal static Config Ours(Config config)
    {
        var ours = new HoconObject();
        ours.GetOrCreateKey("singa").AppendValue(SingaConfig.WithReference(config).GetConfig("singa").Root.GetObject());
        var root = new HoconValue();
        root.AppendValue(ours);
        return new Config(new HoconRoot(root));
    }
}
