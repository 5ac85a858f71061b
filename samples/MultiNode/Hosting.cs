using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>Hosts with Singa in them.</summary>
internal static class Hosting
{
    public static IHost Build(Action<SingaBuilder> configure)
    {
        var builder = Host.CreateApplicationBuilder();
        // The table tells what happens; warnings would tear it, and nodes that die are no news here.
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Error).AddSimpleConsole(console => console.SingleLine = true);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSinga(configure);
        return builder.Build();
    }

    public static string Config(string name) => Path.Combine(AppContext.BaseDirectory, "hocon", name);

    /// <summary>Signals are the program's (<see cref="Interruption"/>): there are workers to end as well.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
