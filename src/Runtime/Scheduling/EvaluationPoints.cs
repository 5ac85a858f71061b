using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Scheduling;

/// <summary>After which steps of a job the weights are tested, and after which of these the job may end: a pure function of job and options.</summary>
public sealed class EvaluationPoints
{
    private readonly TrainingJob job;
    private readonly TrainingOptions options;
    private readonly JobSchedule schedule;

    /// <exception cref="JobRefusedException"/>
    /// <exception cref="ArgumentOutOfRangeException">A sentence for the author of the job.</exception>
    public EvaluationPoints(TrainingJob job, TrainingOptions options, DataDescription data)
    {
        (this.job, this.options, schedule) = (job, options, JobSchedule.Of(job, data.TrainCount));
        Batches = EvaluationSchedule.Of(data.TestCount, job.BatchSize);
        Require(job.EvaluateEvery >= 0, "evaluate-every cannot be negative; 0 means only at the end");
        if (job.EarlyStopping is not { } stopping)
            return;
        Require(data.TestCount > 0, "early-stopping goes by the loss on held-back samples, and the data has none; hold some back or leave it out");
        Require(stopping.Patience >= 1, "the patience of early-stopping must be at least 1");
        Require(stopping.MinDelta >= 0 && double.IsFinite(stopping.MinDelta), "the min-delta of early-stopping must be a number of at least 0");
    }

    /// <summary>How the test samples are cut into batches.</summary>
    public EvaluationSchedule Batches { get; }

    /// <summary>Whether the weights after this step are tested.</summary>
    public bool IsTested(ScheduledStep step) =>
        Batches.Batches > 0 && (IsAsked(step.Step) || (options.EvaluateEachEpoch && step.EndsEpoch) || IsJudged(step.Step));

    /// <summary>Whether the test after this step can end the job. What a host merely wants to see is not asked: it must change nothing.</summary>
    public bool IsJudged(long step)
    {
        if (job.EarlyStopping is null)
            return false;
        long every = job.EvaluateEvery > 0 ? job.EvaluateEvery : schedule.StepsPerEpoch;
        return step + 1 == Math.Min((step / every + 1) * every, schedule.TotalSteps);
    }

    /// <summary>
    /// How many steps can be taken, if so many have been, before all wait for a test to be complete: whatever happens to a worker, nobody
    /// has gone beyond the weights that were to be tested, and early stopping decides in time. All of them where nothing more is tested before the end.
    /// </summary>
    public long NextDecision(long steps)
    {
        if (Batches.Batches == 0)
            return long.MaxValue;
        long next = schedule.TotalSteps;
        if (job.EvaluateEvery > 0)
            next = Math.Min(next, (steps / job.EvaluateEvery + 1) * job.EvaluateEvery);
        if (options.EvaluateEachEpoch || (job.EarlyStopping is not null && job.EvaluateEvery == 0))
            next = Math.Min(next, (steps / schedule.StepsPerEpoch + 1) * schedule.StepsPerEpoch);
        return next;
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
            throw new JobRefusedException(message);
    }

    private bool IsAsked(long step) => step == schedule.TotalSteps - 1 || (job.EvaluateEvery > 0 && (step + 1) % job.EvaluateEvery == 0);
}
