using Singa.Actors.Collective;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// What the conductor knows of one job in one generation, and what follows from each report. Reports of one worker come in order;
/// those of different workers may be some steps apart.
/// </summary>
public sealed class JobRun
{
    private readonly TrainingJob job;
    private readonly TrainingOptions options;
    private readonly DataDescription data;
    private readonly EvaluationSchedule evaluation;
    private readonly Figures figures;
    private readonly ShardLedger ledger;
    private readonly long[] completed;
    private readonly bool[] ready;
    private readonly DateTimeOffset[] heard;
    private readonly WorkerProtocol.WorkerFinished?[] finished;
    private readonly SortedDictionary<long, StepBoard> steps = [];
    private readonly SortedDictionary<long, EvaluationBoard> tests = [];
    private DateTimeOffset firstStepAt;
    private TestFigures? lastTest;
    private long committed;
    private int buckets;

    public JobRun(TrainingJob job, TrainingOptions options, DataDescription data, Membership membership, DateTimeOffset now)
    {
        (this.job, this.options, this.data, Membership) = (job, options, data, membership);
        Schedule = JobSchedule.Of(job, data.TrainCount);
        evaluation = EvaluationSchedule.Of(data.TestCount, job.BatchSize);
        figures = Figures.Of(job, data);
        ledger = new ShardLedger(job.Seed, Schedule, membership);
        int workers = membership.Members.Length;
        (completed, ready, finished) = (new long[workers], new bool[workers], new WorkerProtocol.WorkerFinished?[workers]);
        heard = new DateTimeOffset[workers];
        Array.Fill(heard, now);
    }

    public Membership Membership { get; }

    public JobSchedule Schedule { get; }

    public bool HasBegun { get; private set; }

    public bool HasEnded { get; private set; }

    public TrainingFacts Facts => new(
        job.Name, data.TrainCount, data.TestCount, data.Classes, job.BatchSize, Schedule.Epochs, Schedule.TotalSteps, Schedule.Shards,
        [.. Membership.Members.Select(m => new WorkerFacts(m.Worker, m.Offer.Device, m.Shards)),
         .. Membership.StandBy.Select(o => new WorkerFacts(o.Worker, o.Device, default))]);

    /// <summary>Who has to be waited for before anything more can happen, if nothing was heard of them since <paramref name="deadline"/>.</summary>
    public JobDecision? Overdue(DateTimeOffset deadline)
    {
        if (HasEnded)
            return null;
        var silent = Membership.Members.Where(m => heard[m.Rank] < deadline && IsAwaited(m.Rank)).Select(m => m.Worker).ToArray();
        if (silent.Length == 0)
            return null;
        var who = string.Join(" and ", silent);
        return End(HasBegun
            ? new JobDecision.Fail($"{who} did not finish step {committed} in time; singa.runtime.step-timeout says how long a step may take")
            : new JobDecision.Reject($"{who} did not get ready in time; singa.runtime.prepare-timeout says how long that may take"));
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerReady message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        (heard[message.Rank], ready[message.Rank]) = (now, true);
        if (buckets != 0 && buckets != message.Buckets)
            throw new InvalidOperationException($"{Worker(message.Rank)} has {message.Buckets} buckets where others have {buckets}");
        buckets = message.Buckets;
        if (HasBegun || !ready.All(r => r))
            return [];
        HasBegun = true;
        Array.Fill(heard, now);
        return [new JobDecision.Begin(buckets)];
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerRejected message) =>
        [Refuse(message.Generation) ?? End(new JobDecision.Reject(message.Reason))];

    /// <summary>Recovery is to begin a next generation here; until it exists, a job ends with its first worker.</summary>
    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerFailed message) =>
        [Refuse(message.Generation) ?? End(HasBegun
            ? new JobDecision.Fail($"{Worker(message.Rank)} failed: {message.Reason}")
            : new JobDecision.Reject($"{Worker(message.Rank)} could not begin: {message.Reason}"))];

    public IEnumerable<JobDecision> On(WorkerProtocol.StepCompleted message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        heard[message.Rank] = now;
        if (message.Step != completed[message.Rank])
            throw new InvalidOperationException($"{Worker(message.Rank)} reported step {message.Step} where {completed[message.Rank]} was next");
        completed[message.Rank]++;
        if (!float.IsFinite(message.LossSum))
            return [End(new JobDecision.Fail(NotFinite(message)))];
        if (!steps.TryGetValue(message.Step, out var board))
            steps.Add(message.Step, board = new StepBoard(message));
        if (!board.Agrees(message))
        {
            return [End(new JobDecision.Fail(
                $"{Worker(message.Rank)} and {Worker(board.Rank)} have different losses after step {message.Step}, " +
                $"{message.LossSum:R} and {board.LossSum:R}: one of their devices computes wrongly"))];
        }

        board.Put(message);
        return Advance(now);
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.EvaluationCompleted message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        heard[message.Rank] = now;
        Test(message.Step).Put(message.First, message.Batches);
        return Advance(now);
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerFinished message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        (heard[message.Rank], finished[message.Rank]) = (now, message);
        return Advance(now);
    }

    /// <summary>The job ends from outside: nothing that arrives later counts.</summary>
    public void Abandon() => HasEnded = true;

    private IEnumerable<JobDecision> Advance(DateTimeOffset now)
    {
        var decisions = new List<JobDecision>();
        while (committed < Schedule.TotalSteps && steps.TryGetValue(committed, out var board) && board.Reports == Membership.Members.Length)
        {
            var step = Schedule[committed];
            bool tested = IsTested(step);
            if (tested && !Test(committed).IsComplete)
                return decisions;
            if (tested)
                lastTest = Test(committed).Figures();
            if (committed == 0)
                firstStepAt = now;
            decisions.Add(new JobDecision.Commit(Progress(step, board, tested ? lastTest : null)));
            steps.Remove(committed);
            tests.Remove(committed);
            committed++;
        }

        if (committed == Schedule.TotalSteps && finished.All(f => f is not null))
            decisions.Add(End(new JobDecision.Complete(Outcome())));
        return decisions;
    }

    private TrainingProgress Progress(ScheduledStep step, StepBoard board, TestFigures? test) => new(
        step.Epoch, step.Step, Schedule.TotalSteps, step.Samples, board.LossSum / step.Samples,
        figures.Accuracy ? board.Correct / (double)step.Samples : null, board.StepTime)
    {
        Perplexity = figures.PerplexityOf(board.LossSum / step.Samples),
        Digest = board.Digest,
        Test = test,
        Committed = options.KeepLedger ? ledger.Of(step) : [],
    };

    private JobOutcome Outcome()
    {
        var kept = finished[0]!.Kept ?? throw new InvalidOperationException($"{Worker(0)} finished as rank 0 and kept no replica");
        return new JobOutcome(
            committed, lastTest, kept.Digest, kept.Id, finished.Sum(f => f!.PeakBytes), finished.Sum(f => f!.PlannedBytes), firstStepAt);
    }

    private bool IsTested(ScheduledStep step) => WorkerAgenda.IsTested(Schedule, evaluation, options, step);

    private EvaluationBoard Test(long step)
    {
        if (!tests.TryGetValue(step, out var board))
            tests.Add(step, board = new EvaluationBoard(evaluation, figures));
        return board;
    }

    private bool IsAwaited(int rank) => HasBegun ? finished[rank] is null && completed[rank] <= completed.Min() : !ready[rank];

    private JobDecision.Ignore? Refuse(Generation generation) =>
        generation != Membership.Generation ? new($"it belongs to {generation} and this is {Membership.Generation}")
        : HasEnded ? new("the job has ended")
        : null;

    private JobDecision End(JobDecision decision)
    {
        HasEnded = true;
        return decision;
    }

    private string Worker(int rank) => Membership.Members[rank].Worker;

    private string NotFinite(WorkerProtocol.StepCompleted message)
    {
        var advice = job.Optimizer is Sgd sgd
            ? FormattableString.Invariant($"a learning rate below {sgd.LearningRate} would help")
            : "a lower learning rate would help";
        return $"the loss is {(float.IsNaN(message.LossSum) ? "not a number" : "infinite")} at step {message.Step}, epoch {Schedule[message.Step].Epoch}; {advice}";
    }
}
