using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>A real host with Singa in it.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly IHost host;

    private TestHost(IHost host) => this.host = host;

    public ITraining Training => host.Services.GetRequiredService<ITraining>();

    public IServiceProvider Services => host.Services;

    public static async Task<TestHost> StartAsync(string devices, Action<SingaBuilder>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSinga(singa =>
        {
            singa.WithDevices(devices).WithThreads(1);
            configure?.Invoke(singa);
        });
        var host = builder.Build();
        await host.StartAsync();
        return new TestHost(host);
    }

    /// <summary>Trains to the end and keeps all progress.</summary>
    public async Task<(TrainingResult Result, List<TrainingProgress> Progress)> TrainAsync(TrainingJob job, TrainingOptions? options = null)
    {
        var run = await Training.SubmitAsync(job, options);
        var progress = new List<TrainingProgress>();
        await foreach (var step in run.Progress)
            progress.Add(step);
        return (await run.Completion, progress);
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
    }
}
