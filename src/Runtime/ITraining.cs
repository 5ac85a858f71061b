using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime;

/// <summary>Where a host application submits jobs; <c>AddSinga</c> registers it.</summary>
public interface ITraining
{
    /// <summary>
    /// Returns once the job is accepted: its data is read, its model fits the data, and it is loaded on the devices.
    /// </summary>
    /// <param name="cancellation">Withdraws the job while it is being accepted; afterwards <see cref="ITrainingRun.CancelAsync"/> does.</param>
    /// <exception cref="JobRefusedException">The job cannot be run as it is; one sentence says why.</exception>
    /// <exception cref="OperationCanceledException"/>
    Task<ITrainingRun> SubmitAsync(TrainingJob job, TrainingOptions? options = null, CancellationToken cancellation = default);
}

/// <summary>One accepted job, while it trains and afterwards.</summary>
public interface ITrainingRun
{
    /// <summary>What the job was found to be: steps, shards, devices; <c>Workers</c> and <c>Generation</c> as they are at the moment.</summary>
    TrainingFacts Facts { get; }

    /// <summary>
    /// One event a step, in order, to one reader; ends when the job does, however it ends. What nobody reads is kept up to
    /// <c>singa.runtime.progress-buffer</c> events, the newest.
    /// </summary>
    IAsyncEnumerable<TrainingProgress> Progress { get; }

    /// <exception cref="TrainingFailedException">Training could not go on; one sentence says why.</exception>
    /// <exception cref="OperationCanceledException">The job was cancelled.</exception>
    Task<TrainingResult> Completion { get; }

    /// <summary>
    /// Lets the job rest at the next step boundary that all its devices can keep, and returns when it does; nothing of it runs until
    /// <see cref="ResumeAsync"/>, but its memory stays. No weight tells of it. Returns at once where the job has ended.
    /// </summary>
    Task PauseAsync();

    /// <summary>Returns when the job goes on.</summary>
    Task ResumeAsync();

    /// <summary>
    /// Ends the job at the next step boundary, saved where it is saved (<see cref="TrainingOptions.Checkpoint"/>): submitted again it goes on
    /// from there. A job that has taken all its steps by then comes to its end.
    /// </summary>
    /// <returns>The step that would have come next; null where the job ended otherwise, as <see cref="Completion"/> says.</returns>
    Task<long?> StopAsync();

    /// <summary>Ends the job; returns when the devices hold nothing of it any more. Harmless once it has ended.</summary>
    Task CancelAsync();
}
