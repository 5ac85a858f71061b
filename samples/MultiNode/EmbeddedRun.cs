using Microsoft.Extensions.DependencyInjection;
using Singa.Actors.Runtime;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>The same job in this process alone.</summary>
internal static class EmbeddedRun
{
    public static async Task<TrainingResult> TrainAsync(Options options, CancellationToken interrupted)
    {
        using var host = Hosting.Build(singa => singa.WithConfig(Hosting.Config("local.conf")));
        await host.StartAsync(interrupted);
        var run = await host.Services.GetRequiredService<ITraining>().SubmitAsync(options.Job(), cancellation: interrupted);
        await using var interrupt = interrupted.Register(() => _ = run.CancelAsync());
        var result = await run.Completion;
        await host.StopAsync(CancellationToken.None);
        return result;
    }
}
