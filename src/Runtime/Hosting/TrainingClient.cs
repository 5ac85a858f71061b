using Akka.Actor;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>Submits to the coordinator and hands out what an observer hears of the job.</summary>
internal sealed class TrainingClient(
    ActorSystem system, IActorRef coordinator, ReplicaStore replicas, RuntimeSettings settings,
    Func<DeviceDescription, IBackend> open, TimeProvider time, string dispatcher) : ITraining
{
    public async Task<ITrainingRun> SubmitAsync(TrainingJob job, TrainingOptions? options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(job);
        cancellation.ThrowIfCancellationRequested();
        job = job with { Data = await DataLoader.ReadAsync(job.Data, cancellation).ConfigureAwait(false) };
        var id = new JobId($"job-{Guid.NewGuid():N}"[..12]);
        var run = new TrainingRun(job, replicas, settings.ProgressBuffer, open, new RunCommands(
            () => coordinator.Tell(new CoordinatorProtocol.CancelJob(id)), () => coordinator.Tell(new CoordinatorProtocol.StopJob(id)),
            () => coordinator.Tell(new CoordinatorProtocol.PauseJob(id)), () => coordinator.Tell(new CoordinatorProtocol.ResumeJob(id))));
        var telemetry = new JobTelemetry(job.Name, time);
        var observer = system.ActorOf(Props.Create(() => new ObserverActor(run, telemetry)).WithDispatcher(dispatcher), $"singa-observer-{id}");
        coordinator.Tell(new CoordinatorProtocol.SubmitJob(id, job, options ?? new TrainingOptions(), observer));
        await using (cancellation.UnsafeRegister(_ => run.RequestCancellation(), null))
            return await run.Accepted.ConfigureAwait(false);
    }
}
