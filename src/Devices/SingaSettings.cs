using System.Reflection;
using Akka.Configuration;

namespace Singa.Actors.Devices;

/// <summary>The defaults of the whole system: <c>hocon/reference.conf</c>, embedded.</summary>
public static class SingaConfig
{
    private const string Resource = "Singa.Actors.reference.conf";

    private static readonly Lazy<Config> reference = new(Load);

    public static Config Reference => reference.Value;

    /// <summary><paramref name="config"/>, and the defaults where it says nothing.</summary>
    public static Config WithReference(Config? config) => config is null ? Reference : config.WithFallback(Reference);

    private static Config Load()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the assembly was built without {Resource}");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
