using Akka.Actor;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>Submits to the coordinator and hands out what an observer hears of the job.</summary>
internal sealed class TrainingClient(
    ActorSystem system, IActorRef coordinator, ReplicaStore replicas, JobLibrary library, RuntimeSettings settings,
    Func<DeviceDescription, IBackend> open, TimeProvider time, string dispatcher, Action<JobId>? settled = null) : ITraining
{
    public async Task<ITrainingRun> SubmitAsync(TrainingJob job, TrainingOptions? options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(job);
        cancellation.ThrowIfCancellationRequested();
        job = job with { Data = await DataLoader.ReadAsync(job.Data, cancellation).ConfigureAwait(false) };
        options ??= new TrainingOptions();
        if (options.Directly)
            return await SubmitAsync(job, library.PutDirectly(job), options, cancellation).ConfigureAwait(false);
        var lent = job.Data is InMemoryData memory ? library.Hosts.Lend(DataFingerprint.Of(memory), memory) : null;
        Task ended = Task.CompletedTask;
        try
        {
            var reference = await Task.Run(() => Travelled(job, lent), cancellation).ConfigureAwait(false);
            var run = await SubmitAsync(job, reference, options, cancellation).ConfigureAwait(false);
            ended = run.Completion;
            return run;
        }
        finally
        {
            if (lent is not null)
                _ = ended.ContinueWith(_ => library.Hosts.TakeBack(lent), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>The job as a node sees it that has none of the host's code: written down and read back, and found to be the very same.</summary>
    /// <exception cref="JobRefusedException">Something of it cannot be written down.</exception>
    private JobRef Travelled(TrainingJob job, HostData? lent)
    {
        var data = DataLoader.Describe(job.Data);
        var form = JobForm.Write(lent is null ? job : job with { Data = lent }, data);
        var read = form.Read();
        JobForm.Check(job, read, data);
        return library.Put(form, read);
    }

    private async Task<ITrainingRun> SubmitAsync(TrainingJob job, JobRef reference, TrainingOptions options, CancellationToken cancellation)
    {
        var id = new JobId($"job-{Guid.NewGuid():N}"[..12]);
        var run = new TrainingRun(job, replicas, settings.ProgressBuffer, open, new RunCommands(
            () => coordinator.Tell(new CoordinatorProtocol.CancelJob(id)), () => coordinator.Tell(new CoordinatorProtocol.StopJob(id)),
            () => coordinator.Tell(new CoordinatorProtocol.PauseJob(id)), () => coordinator.Tell(new CoordinatorProtocol.ResumeJob(id))));
        var telemetry = new JobTelemetry(job.Name, time);
        system.ActorOf(Props.Create(() => new ObserverActor(id, reference, options, coordinator, run, telemetry, time)).WithDispatcher(dispatcher), $"singa-observer-{id}");
        _ = run.Completion.ContinueWith(_ => library.Release(reference), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await using (cancellation.UnsafeRegister(_ => run.RequestCancellation(), null))
        {
            try
            {
                return await run.Accepted.ConfigureAwait(false);
            }
            finally
            {
                settled?.Invoke(id);
            }
        }
    }
}
