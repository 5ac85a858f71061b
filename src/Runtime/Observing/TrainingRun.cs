using System.Threading.Channels;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// A run as its host holds it. Told by an observer, one event after the other; read from anywhere.
/// </summary>
/// <param name="buffer">Progress events that are kept unread.</param>
/// <param name="open">Opens the device on which the trained model will answer.</param>
internal sealed class TrainingRun(
    TrainingJob job, ReplicaStore replicas, int buffer, Func<DeviceDescription, IBackend> open, RunCommands commands) : ITrainingRun
{
    private readonly TaskCompletionSource<ITrainingRun> accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<TrainingResult> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<TrainingProgress> progress = Channel.CreateBounded<TrainingProgress>(
        new BoundedChannelOptions(buffer) { FullMode = BoundedChannelFullMode.DropOldest, SingleWriter = true });

    private readonly Lock gate = new();
    private TaskCompletionSource? pausing, resuming;
    private long? stoppedAt;
    private TrainingFacts? facts;
    private TrainedReplica? trained;
    private long next;

    /// <summary>This run, once its job is accepted.</summary>
    public Task<ITrainingRun> Accepted => accepted.Task;

    public TrainingFacts Facts => facts ?? throw new InvalidOperationException("the job has not been accepted yet");

    public IAsyncEnumerable<TrainingProgress> Progress => progress.Reader.ReadAllAsync();

    public Task<TrainingResult> Completion => completion.Task;

    public async Task CancelAsync()
    {
        RequestCancellation();
        await ((Task)completion.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task<long?> StopAsync()
    {
        commands.Stop();
        await ((Task)completion.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return stoppedAt;
    }

    public Task PauseAsync() => Ask(ref pausing, commands.Pause);

    public Task ResumeAsync() => Ask(ref resuming, commands.Resume);

    public void RequestCancellation() => commands.Cancel();

    public void Accept(TrainingFacts accepted)
    {
        facts = accepted;
        this.accepted.TrySetResult(this);
    }

    /// <summary>The first that is heard of a job may be that its conductor was followed by another.</summary>
    public void Regroup(CoordinatorProtocol.JobRegrouped regrouped)
    {
        var heard = regrouped.Facts with { RegroupedBecause = regrouped.Reason };
        if (facts is null)
            Accept(heard);
        else
            facts = facts with { Workers = heard.Workers, Generation = heard.Generation, RegroupedBecause = heard.RegroupedBecause };
    }

    /// <summary>Whoever conducts the job later may tell again what was told.</summary>
    /// <returns>Whether it is news.</returns>
    public bool Commit(TrainingProgress step)
    {
        if (step.Step < next)
            return false;
        next = step.Step + 1;
        return progress.Writer.TryWrite(step);
    }

    /// <summary>What was trained may be kept by another process.</summary>
    public async Task FetchAsync(CoordinatorProtocol.JobCompleted completed)
    {
        var outcome = completed.Outcome;
        trained = replicas.Take(outcome.Replica) ?? new TrainedReplica(
            await replicas.FetchTrainedAsync(outcome.Replica, completed.Holders, CancellationToken.None).ConfigureAwait(false), completed.Data, completed.Normalisation);
    }

    public void Complete(CoordinatorProtocol.JobCompleted completed, string? failure)
    {
        if (trained is not { } kept)
        {
            Fail($"it has trained to its end, and what was trained could not be fetched: {failure}");
            return;
        }

        var outcome = completed.Outcome;
        progress.Writer.TryComplete();
        completion.TrySetResult(new TrainingResult(
            new TrainedModel(job, kept.Data, kept.Normalisation, kept.Replica.Parameters, kept.Replica.Statistics, open),
            outcome.Steps, outcome.Test, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes, outcome.FirstStepAt)
        {
            StoppedEarly = outcome.StoppedEarly,
            TrainedSteps = outcome.TrainedSteps,
            SaveFailure = outcome.SaveFailure,
        });
        Settle(ref pausing);
        Settle(ref resuming);
    }

    public void Refuse(string reason) => End(new JobRefusedException(reason));

    public void Fail(string reason) => End(new TrainingFailedException(reason));

    public void Paused() => Settle(ref pausing);

    /// <summary>Whoever waits for a pause waits no longer: it was taken back.</summary>
    public void Resumed()
    {
        Settle(ref pausing);
        Settle(ref resuming);
    }

    public void Stopped(long step)
    {
        stoppedAt = step;
        Cancelled();
    }

    public void Cancelled()
    {
        progress.Writer.TryComplete();
        accepted.TrySetCanceled();
        completion.TrySetCanceled();
        Settle(ref pausing);
        Settle(ref resuming);
    }

    private void End(Exception exception)
    {
        progress.Writer.TryComplete();
        if (!accepted.TrySetException(exception))
            completion.TrySetException(exception);
        else
            completion.TrySetCanceled();
        Settle(ref pausing);
        Settle(ref resuming);
    }

    private Task Ask(ref TaskCompletionSource? waiting, Action command)
    {
        Task task;
        lock (gate)
        {
            if (completion.Task.IsCompleted)
                return Task.CompletedTask;
            task = (waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        command();
        return task;
    }

    private void Settle(ref TaskCompletionSource? waiting)
    {
        lock (gate)
        {
            waiting?.TrySetResult();
            waiting = null;
        }
    }
}

/// <summary>What a host asks of its job's conductor.</summary>
internal sealed record RunCommands(Action Cancel, Action Stop, Action Pause, Action Resume);
