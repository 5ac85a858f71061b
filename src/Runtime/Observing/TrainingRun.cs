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
    TrainingJob job, ReplicaStore replicas, int buffer, Func<DeviceDescription, IBackend> open, Action cancel) : ITrainingRun
{
    private readonly TaskCompletionSource<ITrainingRun> accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<TrainingResult> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<TrainingProgress> progress = Channel.CreateBounded<TrainingProgress>(
        new BoundedChannelOptions(buffer) { FullMode = BoundedChannelFullMode.DropOldest, SingleWriter = true });

    private TrainingFacts? facts;

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

    public void RequestCancellation() => cancel();

    public void Accept(TrainingFacts accepted)
    {
        facts = accepted;
        this.accepted.TrySetResult(this);
    }

    public void Commit(TrainingProgress step) => progress.Writer.TryWrite(step);

    public void Complete(JobOutcome outcome)
    {
        var kept = replicas.Take(outcome.Replica);
        progress.Writer.TryComplete();
        completion.TrySetResult(new TrainingResult(
            new TrainedModel(job, kept.Data, kept.Normalisation, kept.Replica.Parameters, kept.Replica.Statistics, open),
            outcome.Steps, outcome.Test, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes, outcome.FirstStepAt));
    }

    public void Refuse(string reason) => End(new JobRefusedException(reason));

    public void Fail(string reason) => End(new TrainingFailedException(reason));

    public void Cancelled()
    {
        progress.Writer.TryComplete();
        accepted.TrySetCanceled();
        completion.TrySetCanceled();
    }

    private void End(Exception exception)
    {
        progress.Writer.TryComplete();
        if (!accepted.TrySetException(exception))
            completion.TrySetException(exception);
        else
            completion.TrySetCanceled();
    }
}
