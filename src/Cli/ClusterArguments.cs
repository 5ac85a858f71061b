using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli;

/// <summary>What commands that speak with a cluster have in common.</summary>
internal static class ClusterArguments
{
    public const string Option = "--cluster", ConfigOption = "--config";

    /// <summary>With the secret of the environment, or of <c>--config FILE</c>.</summary>
    /// <exception cref="UsageException"/>
    /// <exception cref="NotReachedException"/>
    public static ClusterClient Connect(Arguments arguments, string hocon = "")
    {
        var contacts = Read(arguments);
        var singa = new SingaBuilder().WithHocon(hocon);
        if (arguments.Find(ConfigOption) is { } file)
            Lay(singa, file);
        return ClusterClient.Create(singa, contacts, Loggers);
    }

    /// <summary>Warnings on standard error, as with all commands.</summary>
    private static ILoggerFactory Loggers => LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Warning)
        .AddSimpleConsole(console => console.SingleLine = true).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));

    /// <exception cref="JobRefusedException">It cannot be read, or is no HOCON.</exception>
    public static void Lay(SingaBuilder singa, string file)
    {
        try
        {
            singa.WithConfig(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new JobRefusedException(File.Exists(file) ? $"{file} cannot be read: {exception.Message}" : $"there is no configuration file {file}; correct the path", exception);
        }
    }

    /// <exception cref="UsageException">It is missing, or no list of <c>HOST:PORT</c>.</exception>
    public static ImmutableArray<NodeAddress> Read(Arguments arguments)
    {
        string text = arguments.Find(Option) ?? throw new UsageException($"{Option} HOST:PORT is missing: a node of the cluster to begin with");
        return [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part => One(Option, part)).Distinct()];
    }

    /// <exception cref="UsageException"/>
    public static NodeAddress One(string option, string text) => NodeAddress.TryParse(text, out var address)
        ? address.Value
        : throw new UsageException($"{option} takes HOST:PORT, as in 10.0.0.5:4710, not '{text}'");
}
