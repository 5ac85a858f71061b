using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>The job on a cluster of three worker processes and this one, which is a member like them, and submits.</summary>
internal static class ClusterRun
{
    private const int Workers = 3;
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(300), CancelPatience = TimeSpan.FromSeconds(5);

    public static async Task<TrainingResult> TrainAsync(Options options, Show show, CancellationToken interrupted)
    {
        await using var workers = new WorkerNodes();
        // The first begins the cluster, so the coordinator lives there until somebody kills it.
        await UpAsync(workers.Start());
        await Task.WhenAll(Enumerable.Range(1, Workers - 1).Select(_ => UpAsync(workers.Start())).ToArray());

        using var host = Hosting.Build(singa => singa
            .WithConfig(Hosting.Config("host.conf"))
            .WithHocon($"singa.cluster.seed-nodes = [{string.Join(", ", workers.Addresses.Select(a => $"\"{a}\""))}]")
            .WithDevices("cpu:0").WithThreads(1));
        await host.StartAsync(interrupted);
        try
        {
            var self = host.Services.GetRequiredService<ClusterHost>();
            await self.Joined.WaitAsync(interrupted);
            show.Tell($"this process is up at {self.Address}, a member like the workers");
            await using var client = ClusterClient.Create(new SingaBuilder(), [self.Address], host.Services.GetRequiredService<ILoggerFactory>());
            while ((await client.StatusAsync(interrupted)).Members.Sum(m => m.Devices.Length) <= Workers)
                await Task.Delay(Glance, interrupted);

            var run = await host.Services.GetRequiredService<ITraining>().SubmitAsync(options.Job(), cancellation: interrupted);
            using var giveUp = new CancellationTokenSource();
            await using var interrupt = interrupted.Register(() =>
            {
                giveUp.CancelAfter(CancelPatience);
                _ = run.CancelAsync();
            });
            return await FollowAsync(run, self.Address, client, workers, options, show, giveUp.Token);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }

        async Task UpAsync(WorkerNode node)
        {
            await node.UntilUpAsync(interrupted);
            show.Tell($"started {node}");
        }
    }

    /// <summary>Shows the run until it ends, and makes its life hard where that is asked for.</summary>
    private static async Task<TrainingResult> FollowAsync(ITrainingRun run, NodeAddress self, ClusterClient client, WorkerNodes workers, Options options, Show show, CancellationToken giveUp)
    {
        TrainingProgress? last = null;
        ClusterStatus? status = null;
        using var end = new CancellationTokenSource();
        Task[] beside = [
            LookAsync(), show.RunAsync(Look, end.Token),
            options.Chaos ? Chaos.RageAsync(workers, self, options.Every, show.Tell, end.Token) : Task.CompletedTask,
        ];
        try
        {
            long generation = 0;
            await foreach (var progress in run.Progress.WithCancellation(giveUp))
            {
                last = progress;
                if (run.Facts is var facts && facts.Generation != generation)
                {
                    generation = facts.Generation;
                    show.Tell($"generation {generation} began{(facts.RegroupedBecause is { } why ? $": {why}" : "")}");
                }
            }

            return await run.Completion.WaitAsync(giveUp);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(beside).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        Scene Look() => Scene.Of(run, last, status, workers.Killed, [
            .. workers.Living.Select(n => (n.Name, n.Id, n.Address?.ToString() ?? "")), ("this process", Environment.ProcessId, self.ToString())]);

        async Task LookAsync()
        {
            while (true)
            {
                await Task.Delay(Glance, end.Token);
                foreach (var ended in workers.TakeEnded())
                    show.Tell($"{ended} ended by itself: {ended.Said()}");
                status = await client.StatusAsync(end.Token);
            }
        }
    }
}
