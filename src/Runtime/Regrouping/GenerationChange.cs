using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// From trouble or a plan to the first step of the next generation, as its conductor or a candidate sees it:
/// <code>
/// asking (a ballot) ─► forming (a roll) ─► all ready ─► run
///    ▲  │ rule not kept: waits, says whom it misses        │
///    └──┴──────── a member dies, or cannot ────────────────┘   a higher ballot, a later generation ─► stop
/// </code>
/// Messages and the time go in, decisions come out. Asking again is part of it: messages may be lost.
/// </summary>
public sealed class GenerationChange
{
    private readonly Seat seat;
    private readonly RegroupingTimes times;
    private readonly TimeSpan since;
    private readonly HashSet<NodeKey> newcomers;
    private readonly HashSet<NodeKey> unfit = [];
    private readonly HashSet<NodeKey> ready = [];
    private readonly Dictionary<NodeKey, TimeSpan> heard = [];
    private readonly Func<ImmutableArray<NodeKey>, string?> lacking;
    private Candidacy candidacy;
    private bool isFormed;
    private Begin? begin;
    private TimeSpan spoke, failed, formedAt;

    /// <param name="seat">This node's own. It is asked like all others.</param>
    /// <param name="newcomers">Nodes that are ready to join.</param>
    /// <param name="lacking">What those who would take part lack, as a sentence, or null: a job may ask for a number of devices.</param>
    public GenerationChange(
        Seat seat, IEnumerable<NodeKey> newcomers, RegroupingTimes times, TimeSpan now, Func<ImmutableArray<NodeKey>, string?>? lacking = null)
    {
        (this.seat, this.times, since, spoke) = (seat, times, now, now);
        (this.newcomers, this.lacking) = ([.. newcomers], lacking ?? (_ => null));
        candidacy = new Candidacy(seat, seat.NextBallot, this.newcomers, seat.IsOutOfTouch(now), times, now);
    }

    public Ballot Ballot => candidacy.Hold.Ballot;

    /// <summary>The generation runs, or is somebody else's to make.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whom or what it waits for.</summary>
    public ChangeDecision.Wait? Waiting { get; private set; }

    /// <summary>The first of it.</summary>
    public IEnumerable<ChangeDecision> Open() => [new ChangeDecision.Ask([.. candidacy.Asked.Order()], candidacy.Hold)];

    /// <summary>One more node is ready to join.</summary>
    public IEnumerable<ChangeDecision> Join(NodeKey newcomer)
    {
        if (IsOver || !newcomers.Add(newcomer) || isFormed)
            return [];
        candidacy.Join(newcomer);
        return [new ChangeDecision.Ask([newcomer], candidacy.Hold)];
    }

    /// <summary>A node is about: its workers come to rest, or get ready.</summary>
    public void Heard(NodeKey node, TimeSpan now)
    {
        heard[node] = now;
        candidacy.Heard(node, now);
    }

    public IEnumerable<ChangeDecision> On(NodeKey from, Promise promise, TimeSpan now)
    {
        if (IsOver || promise.Ballot != Ballot)
            return [];
        Heard(from, now);
        if (isFormed)
            return [];
        candidacy.On(from, promise, now);
        return Count(now);
    }

    public IEnumerable<ChangeDecision> On(NodeKey from, Refusal refusal, TimeSpan now)
    {
        if (IsOver || refusal.Ballot != Ballot)
            return [];
        seat.Heed(refusal.Promised);
        if (refusal.Present.Ballot > candidacy.Hold.Known)
            return Pass(refusal.Present);
        if (candidacy.HasVote(from) || begin?.Roll.IsAcceptor(from) == true)
            return Stop(refusal.Promised, now);
        candidacy.Refused(from);
        return begin is null && !isFormed ? Count(now) : [];
    }

    /// <summary>The answer to <see cref="ChangeDecision.Form"/>.</summary>
    public IEnumerable<ChangeDecision> Start(Begin formed, TimeSpan now)
    {
        if (IsOver || !isFormed || formed.Roll.Ballot != Ballot)
            return [];
        (begin, spoke, formedAt) = (formed, now, now);
        foreach (var node in formed.Roll.Acceptors)
            heard[node] = now;
        return [new ChangeDecision.Start([.. formed.Roll.Acceptors], formed)];
    }

    /// <summary>A node has accepted the generation, and its workers, where it has any, are ready.</summary>
    public IEnumerable<ChangeDecision> Ready(NodeKey node, Ballot ballot, TimeSpan now)
    {
        if (IsOver || begin is not { } formed || ballot != Ballot)
            return [];
        Heard(node, now);
        ready.Add(node);
        if (seat.Promised != Ballot)
            return Stop(seat.Promised, now);
        if (!formed.Roll.Acceptors.All(ready.Contains))
            return [];
        seat.Begun(Ballot, now);
        (IsOver, Waiting) = (true, null);
        return [new ChangeDecision.Run(formed.Roll)];
    }

    /// <summary>A node cannot take part, though it lives: its data cannot be read, its device fails, the replica did not arrive.</summary>
    public IEnumerable<ChangeDecision> Unfit(NodeKey node, TimeSpan now)
    {
        if (IsOver || !unfit.Add(node))
            return [];
        failed = now;
        return begin?.Roll.IsMember(node) == true ? Retry(now) : [];
    }

    /// <summary>What is being made cannot be, though nobody is known to be the reason: a higher ballot.</summary>
    public IEnumerable<ChangeDecision> Again(TimeSpan now) => IsOver || !isFormed ? [] : Retry(now);

    /// <summary>A node is proved dead, or has said goodbye; the seat has heard of it.</summary>
    public IEnumerable<ChangeDecision> ProvedDead(NodeKey node, TimeSpan now) =>
        IsOver ? [] : begin?.Roll.IsAcceptor(node) == true ? Retry(now) : isFormed ? [] : Count(now);

    /// <summary>Time has passed.</summary>
    public IEnumerable<ChangeDecision> Tick(TimeSpan now)
    {
        if (IsOver)
            return [];
        if (seat.Promised > Ballot)
            return Stop(seat.Promised, now);
        if (isFormed && begin is null)
            return [];
        if (begin is not null && Unready.Any(n => now - heard[n] >= times.SilenceGrace))
            return Retry(now);
        if (begin is not null && now - formedAt >= times.ReadyPatience)
            return Exclude(now);
        bool isDue = now - spoke >= times.Repeat;
        if (isDue)
            spoke = now;
        return isDue ? [.. Again(), .. Counted()] : Counted();

        IEnumerable<ChangeDecision> Counted() => begin is null ? Count(now) : [];
    }

    private IEnumerable<NodeKey> Unready => begin!.Roll.Acceptors.Where(n => !ready.Contains(n));

    /// <summary>To those who have answered too: they would ask themselves if they heard nothing any more.</summary>
    private IEnumerable<ChangeDecision> Again()
    {
        ImmutableArray<NodeKey> silent = [.. (begin is null ? candidacy.Unanswered : Unready).Order()];
        yield return new ChangeDecision.Ask([.. begin is null ? candidacy.Asked.Order() : ready.Order()], candidacy.Hold);
        if (begin is not null)
            yield return new ChangeDecision.Start(silent, begin);
        yield return new ChangeDecision.Probe(silent);
    }

    private IEnumerable<ChangeDecision> Count(TimeSpan now)
    {
        if (candidacy.Objection() is var (roll, verdict))
        {
            // That a later one has begun may still be on its way here.
            if (verdict.Counted == 0)
                return now - since < 2 * times.SilenceGrace ? [] : GiveUp($"nobody of {roll.Generation} is left", now);
            string who = string.Join(" and ", verdict.Missed);
            return now - since < times.SilenceGrace || verdict.Missed.All(n => candidacy.IsAbout(n, now)) ? [] : Wait(
                verdict.Missed,
                $"{who} {(verdict.Missed.Length == 1 ? "says" : "say")} nothing and may still be alive: "
                + $"{verdict.Agreed} of {verdict.Counted} ranks of {roll.Generation} are no majority");
        }

        if (!candidacy.IsComplete(now))
            return [];
        var formation = candidacy.Form(unfit);
        if ((formation.TakePart.IsEmpty ? "nobody who is there can take part" : lacking(formation.TakePart)) is { } reason)
        {
            // Better those who could not than nobody, after a while.
            if (formation.TakePart.IsEmpty && now - failed >= times.SilenceGrace)
                unfit.Clear();
            return Wait([], reason);
        }

        (isFormed, Waiting) = (true, null);
        return [new ChangeDecision.Form(formation)];
    }

    private IEnumerable<ChangeDecision> Wait(ImmutableArray<NodeKey> missed, string reason)
    {
        if (Waiting is { } before && before.Reason == reason)
            return [];
        Waiting = new ChangeDecision.Wait(missed, since, reason);
        return [Waiting];
    }

    /// <summary>Alive, and not ready in all the time there was.</summary>
    private IEnumerable<ChangeDecision> Exclude(TimeSpan now)
    {
        unfit.UnionWith(Unready);
        failed = now;
        return Retry(now);
    }

    private IEnumerable<ChangeDecision> Retry(TimeSpan now)
    {
        ready.Clear();
        (isFormed, begin, spoke) = (false, null, now);
        candidacy = new Candidacy(seat, seat.NextBallot, newcomers, isListening: false, times, now);
        return Open();
    }

    private IEnumerable<ChangeDecision> Stop(Ballot by, TimeSpan now)
    {
        IsOver = true;
        if (seat.Promised == Ballot)
            seat.Outbid(by, now);
        return [new ChangeDecision.Stop(by, null)];
    }

    private IEnumerable<ChangeDecision> Pass(Roll present)
    {
        IsOver = true;
        seat.Passed(present);
        return [new ChangeDecision.Stop(present.Ballot, present)];
    }

    private IEnumerable<ChangeDecision> GiveUp(string reason, TimeSpan now)
    {
        IsOver = true;
        seat.Outbid(Ballot, now);
        return [new ChangeDecision.GiveUp(reason)];
    }
}
