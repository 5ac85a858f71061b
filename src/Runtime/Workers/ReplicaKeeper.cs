using Singa.Actors.Devices;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What is done with a worker's replica while its device rests at a step boundary: put in place, hashed, remembered, saved. Takes long enough
/// to be kept off the dispatcher; one call after the other.
/// </summary>
/// <param name="saveFailed">Told of a checkpoint that could not be written beside training, from the thread that tried.</param>
internal sealed class ReplicaKeeper(
    WorkerOrder order, TrainingPlan plan, LoadedPlan loaded, ReplicaStore store, Action<long, string> saveFailed) : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private ReplicaBuffer? buffer;
    private Replica? best;
    private Task writing = Task.CompletedTask;

    /// <summary>Instead of first values those with which the job goes on.</summary>
    /// <param name="stopping">Where the job stops early. Its best test may have been the last, of which the state has not heard.</param>
    public void PutFirst(JobState first, StoppingState? stopping)
    {
        var types = first.Replica.Values.ToDictionary(v => v.Name, v => v.Tensor.Type);
        if (plan.Variables.FirstOrDefault(v => !types.TryGetValue(v.Name, out var type) || type != v.Type) is { } missing)
            throw new InvalidOperationException($"the replica before step {first.Step} has no {missing.Name} of {missing.Type}, which the model has");
        first.Replica.Write(loaded, plan);
        best = stopping?.Best is not null && stopping.BestStep == first.Step && order.Definition.EarlyStopping is { RestoreBest: true }
            ? first.Replica.WithoutOptimizerState
            : first.Best;
    }

    /// <summary>First values that nobody computes: those of a model that is trained further.</summary>
    public void PutGiven() => new Replica([.. plan.Variables.Where(v => v.Given is not null).Select(v => new ReplicaValue(v.Kind, new NamedTensor(v.Name, v.Type, v.Given!.Value)))])
        .Write(loaded, plan);

    /// <summary>Of the parameters.</summary>
    public string Digest() => Replica.Read(loaded, plan, k => k == VariableKind.Parameter).Digest;

    /// <summary>Should the job end early, these weights are what it was for.</summary>
    public void KeepBest() => best = ReadTrained();

    /// <summary>Copies the replica, and has it written while training goes on. Waits where the one before is still being written: none is left out.</summary>
    /// <param name="step">The step that comes next.</param>
    public void BeginSave(long step, StoppingState? stopping)
    {
        writing.Wait();
        var checkpoint = Checkpoint(step, stopping, null);
        writing = Task.Factory.StartNew(
            () =>
            {
                if (Write(checkpoint) is { } failure)
                    saveFailed(step, failure);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Writes the replica and returns when it is on the disk: null, or why it is not.</summary>
    public string? Save(long step, StoppingState? stopping, JobOutcome? outcome)
    {
        writing.Wait();
        return Write(Checkpoint(step, stopping, outcome is null ? null : new SavedOutcome(
            outcome.Test, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes, outcome.FirstStepAt - ProcessStart.Time, outcome.StoppedEarly)));
    }

    /// <summary>All that the job is before step <paramref name="step"/>, to outlive this worker. What is being written is written first.</summary>
    public JobState Take(long step, StoppingState? stopping)
    {
        writing.Wait();
        return new JobState(step, (buffer ?? new ReplicaBuffer(loaded, plan, _ => true)).Read(), stopping, best);
    }

    /// <summary>Hands what was trained to whoever asks for it under the name.</summary>
    public KeptReplica Keep()
    {
        var trained = best ?? ReadTrained();
        var digest = trained.Digest;
        return new KeptReplica(store.Keep(order.Job, digest, new TrainedReplica(trained, order.Data.Description, order.Data.Normalisation)), digest);
    }

    /// <summary>Nothing is begun afterwards; what is being written is given up and leaves nothing.</summary>
    public void Dispose() => stop.Cancel();

    private Replica ReadTrained() => Replica.Read(loaded, plan, k => k is VariableKind.Parameter or VariableKind.Statistic);

    private Checkpoint Checkpoint(long step, StoppingState? stopping, SavedOutcome? outcome)
    {
        buffer ??= new ReplicaBuffer(loaded, plan, _ => true);
        return new Checkpoint(order.Saving!.Job, order.Generation, new JobState(step, buffer.Read(), stopping, best), order.Agenda.Schedule.Cursor(step), outcome);
    }

    private string? Write(Checkpoint checkpoint)
    {
        try
        {
            order.Saving!.Store.Save(checkpoint, stop.Token);
            return null;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }
}
