using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// What the conductor knows of one job in one generation, and what follows from each report. Reports of one worker come in order;
/// those of different workers may be some steps apart. The next generation goes on with what this one knew.
/// </summary>
public sealed class JobRun
{
    private readonly TrainingJob job;
    private readonly TrainingOptions options;
    private readonly DataDescription data;
    private readonly ResumePoint? resume;
    private readonly EvaluationPoints points;
    private readonly Figures figures;
    private readonly ShardLedger ledger;
    private readonly Admission admission;
    private readonly List<string> warnings = [];
    private readonly ShardWork work;
    private readonly long[] completed;
    private readonly bool[] ready;
    private readonly DateTimeOffset[] heard;
    private readonly WorkerProtocol.WorkerFinished?[] finished;
    private readonly SortedDictionary<long, StepBoard> steps = [];
    private readonly SortedDictionary<long, EvaluationBoard> tests = [];
    private readonly Dictionary<long, TestRecord> known = [];
    private DateTimeOffset firstStepAt;
    private TestFigures? lastTest;
    private JobOutcome? outcome;
    private long committed, end, lastTested = -1;
    private int buckets;
    private bool finishing, saving, broken, changing;
    private readonly bool isLater;
    private Wanted wanted;

    /// <param name="resume">Where the job goes on; null: at its beginning.</param>
    /// <param name="committed">Steps that are known to have happened and been told; null: those of <paramref name="resume"/>.</param>
    public JobRun(
        TrainingJob job, TrainingOptions options, DataDescription data, Membership membership, DateTimeOffset now, ResumePoint? resume = null, long? committed = null)
    {
        (this.job, this.options, this.data, Membership, this.resume) = (job, options, data, membership, resume);
        Schedule = JobSchedule.Of(job, data.TrainCount);
        work = new ShardWork(Schedule);
        points = new EvaluationPoints(job, options, data);
        figures = Figures.Of(job, data);
        ledger = new ShardLedger(job.Seed, Schedule, membership);
        int workers = membership.Members.Length;
        (completed, ready, finished) = (new long[workers], new bool[workers], new WorkerProtocol.WorkerFinished?[workers]);
        heard = new DateTimeOffset[workers];
        Array.Fill(heard, now);
        Array.Fill(completed, FirstStep);
        admission = new Admission(workers);
        (this.committed, end) = (committed ?? FirstStep, Schedule.TotalSteps);
        Start = resume?.Start ?? StartPoint.Beginning;
        Stopping = job.EarlyStopping is null ? null : resume?.Stopping ?? StoppingState.Beginning;
    }

    private JobRun(JobRun before, Membership membership, StartPoint start, DateTimeOffset now)
    {
        (job, options, data, resume, points, figures, work) = (before.job, before.options, before.data, before.resume, before.points, before.figures, before.work);
        (Membership, Schedule, Start) = (membership, before.Schedule, start);
        ledger = new ShardLedger(job.Seed, Schedule, membership);
        int workers = membership.Members.Length;
        (completed, ready, finished) = (new long[workers], new bool[workers], new WorkerProtocol.WorkerFinished?[workers]);
        heard = new DateTimeOffset[workers];
        Array.Fill(heard, now);
        Array.Fill(completed, start.Step);
        admission = new Admission(workers, before.wanted == Wanted.Rest ? start.Step : null);
        (committed, end, firstStepAt, lastTested, lastTest, Stopping) = (before.committed, before.end, before.firstStepAt, before.lastTested, before.lastTest, before.Stopping);
        (wanted, isLater) = (before.wanted, true);
        warnings.AddRange(before.warnings);
        foreach (var (step, board) in before.steps.Where(s => s.Key < start.Step))
            steps.Add(step, board);
    }

    private enum Wanted
    {
        Steps,
        Rest,
        End,
    }

    public Membership Membership { get; }

    /// <summary>Where this generation begins.</summary>
    public StartPoint Start { get; }

    public JobSchedule Schedule { get; }

    /// <summary>The first step that is taken here.</summary>
    public long FirstStep => resume?.Start.Step ?? 0;

    /// <summary>Steps below it may be admitted when the generation begins.</summary>
    public long Until => Start.PendingTest is not null || admission.IsResting ? Start.Step : points.NextDecision(Start.Step);

    /// <summary>Where the job stops early: how its tests have gone.</summary>
    public StoppingState? Stopping { get; private set; }

    /// <summary>Steps that have happened and been told.</summary>
    public long Committed => committed;

    /// <summary>What they cost.</summary>
    public ShardCount Shards => work.Total;

    public bool HasBegun { get; private set; }

    public bool HasEnded { get; private set; }

    public TrainingFacts Facts => new(
        job.Name, data.TrainCount, data.TestCount, data.Classes, job.BatchSize, Schedule.Epochs, Schedule.TotalSteps, Schedule.Shards,
        [.. Membership.Members.Select(m => new WorkerFacts(m.Worker, m.Offer.Device, m.Shards)),
         .. Membership.StandBy.Select(o => new WorkerFacts(o.Worker, o.Device, default))])
    {
        Generation = Membership.Generation.Number,
        FirstStep = FirstStep,
        ResumedFrom = resume?.Path,
        HasEnded = resume?.Outcome is not null,
        Warnings = resume?.Warnings ?? [],
    };

    /// <summary>Who has to be waited for before anything more can happen, if nothing was heard of them since <paramref name="deadline"/>.</summary>
    public JobDecision? Overdue(DateTimeOffset deadline)
    {
        if (HasEnded)
            return null;
        var silent = Membership.Members.Where(m => heard[m.Rank] < deadline && IsAwaited(m.Rank)).Select(m => m.Worker).ToArray();
        if (silent.Length == 0)
            return null;
        var who = string.Join(" and ", silent);
        return !HasBegun ? Unready($"{who} did not get ready in time; singa.runtime.prepare-timeout says how long that may take")
            : saving ? End(Saved($"{who} did not write it in time; singa.runtime.step-timeout says how long it may take"))
            : Break($"{who} did not finish step {committed} in time; singa.runtime.step-timeout says how long a step may take");
    }

    /// <summary>
    /// The generation is over. Of the steps that have happened those are told that were not; all that is missing of them <paramref name="state"/> has.
    /// </summary>
    /// <returns>What is to be told, and where the next generation begins.</returns>
    /// <exception cref="InvalidOperationException">Nobody knows any more what happened in one of the steps.</exception>
    public (ImmutableArray<JobDecision> Told, StartPoint Start) Close(SeatState state, DateTimeOffset now)
    {
        broken = true;
        var position = state.Position ?? throw new ArgumentException("whoever is to be followed must have a replica", nameof(state));
        foreach (var record in state.Past.Records.Where(r => r.Step >= committed && r.Step < position.Step))
        {
            if (!steps.TryGetValue(record.Step, out var board))
                steps.Add(record.Step, board = new StepBoard(record, LedgerOf(record.Generation, state)));
            board.Put(record);
            board.IsSettled = true;
        }

        foreach (var test in state.Past.Tests)
            known[test.Step] = test;
        // Of tests that were told before this conductor was there; it knows more of those since.
        if (state.Past.Tests.LastOrDefault(t => t.Step < committed) is { } told && told.Step > lastTested)
            (lastTested, lastTest, Stopping) = (told.Step, told.Figures, told.Stopping ?? Stopping);
        ImmutableArray<JobDecision> commits = [.. Advance(now).Where(d => d is JobDecision.Commit)];
        long? pending = committed < position.Step ? committed : null;
        if (pending is not null && (pending != position.Step - 1 || !steps.ContainsKey(pending.Value)))
            throw new InvalidOperationException($"step {committed} has happened and nobody knows its figures any more; step {position.Step} comes next");
        return (commits, position with { PendingTest = pending });
    }

    private ShardLedger LedgerOf(Generation generation, SeatState state) =>
        state.Past.Memberships.FirstOrDefault(m => m.Generation == generation) is { } membership ? new ShardLedger(job.Seed, Schedule, membership) : ledger;

    /// <summary>The next membership, with what its nodes have kept of the step that this generation did not finish.</summary>
    /// <param name="states">By node.</param>
    public Membership WithKept(Membership next, StartPoint start, IReadOnlyDictionary<string, SeatState> states)
    {
        work.Interrupted(Membership, start.Step, states);
        // What a plan must hold for an unfinished step may be more than a budget allows.
        if (job.MemoryBudget > 0 || start.Step >= Schedule.TotalSteps)
            return next;
        var kept = states.Where(s => s.Value.Kept?.Step == start.Step).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value.Kept!.Rows));
        return next with { Unfinished = UnfinishedStep.Of(start.Step, Schedule[start.Step].Samples, Schedule.Shards, next.Members, kept) };
    }

    /// <summary>What follows this generation, once it is closed.</summary>
    public JobRun Next(Membership membership, StartPoint start, DateTimeOffset now) => new(this, membership, start, now);

    /// <summary>With the next step's progress.</summary>
    public void Warn(string warning) => warnings.Add(warning);

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
        var begin = new JobDecision.Begin(buckets);
        return wanted switch
        {
            Wanted.End => [begin, .. Rested(admission.Rest(end: true))],
            Wanted.Rest => [begin, new JobDecision.Paused(Start.Step)],
            _ => [begin, .. Advance(now)],
        };
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerRejected message) => [Refuse(message.Generation) ?? Unready(message.Reason)];

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerFailed message) =>
        [Refuse(message.Generation) ?? (HasBegun
            ? Break($"{Worker(message.Rank)} failed: {message.Reason}")
            : Unready($"{Worker(message.Rank)} could not begin: {message.Reason}"))];

    public IEnumerable<JobDecision> On(WorkerProtocol.WorkerInterrupted message) => [Refuse(message.Generation) ?? Break(message.Reason)];

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
            steps.Add(message.Step, board = new StepBoard(message, ledger));
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

    public IEnumerable<JobDecision> On(WorkerProtocol.StepsHeld message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        heard[message.Rank] = now;
        return Rested(admission.Answer(message.Number, message.Rank, message.Next, committed));
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.SaveFailed message)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        warnings.Add($"the checkpoint of step {message.Step} could not be written: {message.Reason}");
        return [];
    }

    public IEnumerable<JobDecision> On(WorkerProtocol.ReplicaSaved message, DateTimeOffset now)
    {
        if (Refuse(message.Generation) is { } ignore)
            return [ignore];
        heard[message.Rank] = now;
        return [End(Saved(message.Failure))];
    }

    /// <summary>The job is to rest at a step boundary, or to end there, saved where it is saved.</summary>
    public IEnumerable<JobDecision> Rest(bool end)
    {
        if (HasEnded || finishing)
            return [];
        wanted = end ? Wanted.End : wanted == Wanted.Steps ? Wanted.Rest : wanted;
        return broken || !HasBegun ? [] : Rested(admission.Rest(end));
    }

    /// <summary>The job is to rest at the next step boundary that all can keep, and to go on from there in another generation.</summary>
    public IEnumerable<JobDecision> Change()
    {
        if (HasEnded || finishing || broken || changing || !HasBegun)
            return [];
        changing = true;
        return Rested(admission.Rest(end: false));
    }

    public IEnumerable<JobDecision> Resume(DateTimeOffset now)
    {
        if (HasEnded || finishing)
            return [];
        wanted = wanted == Wanted.Rest ? Wanted.Steps : wanted;
        if (broken || !HasBegun)
            return [new JobDecision.Resumed()];
        Array.Fill(heard, now);
        return admission.Resume(points.NextDecision(committed));
    }

    /// <summary>The job ends from outside: nothing that arrives later counts.</summary>
    public void Abandon() => HasEnded = true;

    private IEnumerable<JobDecision> Advance(DateTimeOffset now)
    {
        var decisions = new List<JobDecision>();
        while (committed < end && steps.TryGetValue(committed, out var board) && (board.IsSettled || board.Reports == Membership.Members.Length))
        {
            var step = Schedule[committed];
            bool tested = points.IsTested(step);
            if (tested && !known.ContainsKey(committed) && !Test(committed).IsComplete)
                return decisions;
            if (tested)
                (lastTested, lastTest) = (committed, known.GetValueOrDefault(committed)?.Figures ?? Test(committed).Figures());
            if (firstStepAt == default)
                firstStepAt = now;
            decisions.Add(new JobDecision.Commit(Progress(step, board, tested ? lastTest : null) with { Shards = work.Happened(step, board.Ledger.Reused(step)) }));
            steps.Remove(committed);
            tests.Remove(committed);
            committed++;
            if (points.IsJudged(step.Step))
                decisions.AddRange(Judge(step.Step));
            else if (tested && committed < end)
                decisions.AddRange(Further());
            if (committed < end)
                decisions.AddRange(Rested(admission.Reach(committed)));
        }

        if (committed == end && !finishing)
        {
            finishing = true;
            decisions.Add(new JobDecision.Finish(committed));
        }
        else if (finishing && outcome is null && finished.All(f => f is not null))
        {
            outcome = Outcome();
            saving = options.Checkpoint is not null;
            Array.Fill(heard, now);
            decisions.Add(saving ? new JobDecision.Save(committed, outcome) : End(new JobDecision.Complete(outcome)));
        }

        return decisions;
    }

    /// <summary>The test after a step decides whether there is another.</summary>
    private IEnumerable<JobDecision> Judge(long step)
    {
        var rule = job.EarlyStopping!;
        var before = Stopping!;
        Stopping = known.GetValueOrDefault(step)?.Stopping ?? before.After(lastTest!, step + 1, rule.MinDelta);
        if (Stopping.Waited >= rule.Patience)
            end = committed;
        bool isBest = rule.RestoreBest && Stopping.Waited == 0 && Stopping.BestStep == step + 1;
        var judged = new JobDecision.Judge(Stopping, isBest);
        return committed == end ? [judged] : [judged, .. Further()];
    }

    /// <summary>The test that all waited for is complete.</summary>
    private IEnumerable<JobDecision> Further() =>
        admission.Extend(points.NextDecision(committed)).Select(d => d is JobDecision.Run run ? run with { Tested = new TestRecord(committed - 1, lastTest!, Stopping) } : d);

    /// <summary>A job that has come to rest in order to end is saved first.</summary>
    private IEnumerable<JobDecision> Rested(IEnumerable<JobDecision> decisions)
    {
        foreach (var decision in decisions)
        {
            saving |= decision is JobDecision.Stop && options.Checkpoint is not null;
            yield return decision switch
            {
                JobDecision.Stop stop when options.Checkpoint is not null => new JobDecision.Save(stop.Step, null),
                JobDecision.Stop => End(decision),
                JobDecision.Paused paused when changing => Changed(paused),
                _ => decision,
            };
        }
    }

    private JobDecision Changed(JobDecision.Paused paused)
    {
        broken = true;
        return new JobDecision.Change(paused.Step);
    }

    private JobDecision Saved(string? failure) => outcome is not null
        ? new JobDecision.Complete(outcome with { SaveFailure = failure })
        : failure is null
        ? new JobDecision.Stop(committed)
        : new JobDecision.Fail($"it was stopped before step {committed} and could not be saved: {failure}");

    private TrainingProgress Progress(ScheduledStep step, StepBoard board, TestFigures? test) => new(
        step.Epoch, step.Step, Schedule.TotalSteps, step.Samples, board.LossSum / step.Samples,
        figures.Accuracy ? board.Correct / (double)step.Samples : null, board.StepTime)
    {
        Perplexity = figures.PerplexityOf(board.LossSum / step.Samples),
        Digest = board.Digest,
        Test = test,
        Committed = options.KeepLedger ? board.Ledger.Of(step) : [],
        Warnings = TakeWarnings(),
    };

    private JobOutcome Outcome()
    {
        var kept = finished[0]!.Kept ?? throw new InvalidOperationException($"{Worker(0)} finished as rank 0 and kept no replica");
        bool restored = job.EarlyStopping is { RestoreBest: true } && Stopping!.Best is not null;
        return new JobOutcome(
            committed, restored ? Stopping!.Best : lastTest, kept.Digest, kept.Id, finished.Sum(f => f!.PeakBytes), finished.Sum(f => f!.PlannedBytes), firstStepAt)
        {
            StoppedEarly = committed < Schedule.TotalSteps,
            TrainedSteps = restored ? Stopping!.BestStep : committed,
        };
    }

    private ImmutableArray<string> TakeWarnings()
    {
        ImmutableArray<string> taken = [.. warnings];
        warnings.Clear();
        return taken;
    }

    private EvaluationBoard Test(long step)
    {
        if (!tests.TryGetValue(step, out var board))
            tests.Add(step, board = new EvaluationBoard(points.Batches, figures));
        return board;
    }

    private bool IsAwaited(int rank) => !HasBegun ? !ready[rank]
        : saving ? rank == 0
        : !admission.IsResting && finished[rank] is null && completed[rank] <= completed.Min();

    private JobDecision.Ignore? Refuse(Generation generation) =>
        generation != Membership.Generation ? new($"it belongs to {generation} and this is {Membership.Generation}")
        : HasEnded ? new("the job has ended")
        : broken ? new("its generation is over")
        : null;

    private JobDecision Break(string reason)
    {
        broken = true;
        return new JobDecision.Regroup(reason);
    }

    /// <summary>A first generation that cannot begin is a job that does not fit; later ones try without whoever could not.</summary>
    private JobDecision Unready(string reason) => isLater ? Break(reason) : End(new JobDecision.Reject(reason));

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
