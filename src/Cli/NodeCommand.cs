using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Cli;

/// <summary><c>singa node</c>: a member of a cluster that trains whatever there is, until it is told to leave.</summary>
internal static class NodeCommand
{
    private const string HostOption = "--host", PortOption = "--port", SeedOption = "--seed-node", RootOption = "--data-root", EofFlag = "--until-eof";

    public static async Task RunAsync(string[] words, TextWriter output)
    {
        var arguments = Arguments.Parse(words.Where(w => w != EofFlag), ClusterArguments.ConfigOption, HostOption, PortOption, SeedOption, JobArguments.DevicesOption, JobArguments.ThreadsOption, RootOption);
        if (arguments.Operands is [var operand, ..])
            throw new UsageException($"singa node takes options only, not {operand}");

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        if (words.Contains(EofFlag))
            new Thread(() => AwaitEof(stop)) { IsBackground = true, Name = "standard input" }.Start();
        using var host = Build(arguments);
        await host.StartAsync(CancellationToken.None);
        var node = host.Services.GetRequiredService<ClusterHost>();
        var stopped = Task.Delay(Timeout.Infinite, stop.Token);
        if (await Task.WhenAny(node.Joined, stopped) == node.Joined)
        {
            // Scripts wait for this line, and read off it which ports they were given.
            output.WriteLine($"node {node.Address} is up, data port {node.Data.Port}");
            output.Flush();
            await ((Task)stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await host.StopAsync(CancellationToken.None);

        void Stop(PosixSignalContext signal)
        {
            // The first signal lets the others know; a second one ends the process, as if nobody had listened.
            signal.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
    }

    /// <summary>The system closes the other end when whoever started this process ends, in whatever way.</summary>
    private static void AwaitEof(CancellationTokenSource stop)
    {
        Span<byte> unread = stackalloc byte[256];
        using var input = Console.OpenStandardInput();
        while (input.Read(unread) > 0)
        {
        }

        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has left meanwhile.
        }
    }

    private static IHost Build(Arguments arguments)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        }).SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.None);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSingleton<IHostLifetime, OwnLifetime>();
        builder.Services.AddSinga(singa => Configure(singa, arguments));
        return builder.Build();
    }

    private static void Configure(SingaBuilder singa, Arguments arguments)
    {
        if (arguments.Find(ClusterArguments.ConfigOption) is { } file)
            ClusterArguments.Lay(singa, file);
        singa.WithHocon("singa.cluster.enabled = on");
        if (arguments.Find(HostOption) is { } host)
            singa.WithSetting("singa.cluster.host", host);
        if (arguments.FindWhole(PortOption, 0) is { } port)
            singa.WithHocon($"singa.cluster.port = {port}");
        if (arguments.All(SeedOption).Select(seed => ClusterArguments.One(SeedOption, seed)).ToArray() is { Length: > 0 } seeds)
            singa.WithHocon($"singa.cluster.seed-nodes = [{string.Join(", ", seeds.Select(s => $"\"{s}\""))}]");
        if (arguments.Find(RootOption) is { } root)
            singa.WithSetting("singa.data.root", root);
        if (arguments.Find(JobArguments.DevicesOption) is { } devices)
            singa.WithDevices(devices);
        if (arguments.FindWhole(JobArguments.ThreadsOption, 1) is { } threads)
            singa.WithThreads((int)threads);
    }
}
