using System.Collections.Immutable;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>What a seat says to others, and to the conductor of its job where that is here.</summary>
internal interface IVotingOutlet
{
    void Tell(JobNode node, object message);

    /// <summary>Somebody should find out whether its process is dead.</summary>
    void Probe(JobNode node);

    void Formed(Formation formation, ImmutableDictionary<NodeKey, SeatState> states);

    void Runs(Roll roll);

    void Waits(string reason);

    void Impossible(string reason);

    /// <param name="isOut">The job has gone on without this node.</param>
    void Superseded(Ballot by, bool isOut);
}

/// <summary>
/// A job's seat on a node together with the generation that this node may be about to make: carries the decisions of both out. Whoever uses it
/// brings messages and the time.
/// </summary>
internal sealed class JobVoting(Devices.JobId job, Seat seat, RegroupingTimes times, IVotingOutlet outlet)
{
    private const int StallOf = 3;

    private readonly Dictionary<NodeKey, JobNode> nodes = [];
    private readonly Dictionary<NodeKey, SeatState> states = [];
    private GenerationChange? change;
    private WorkerProtocol.StartGeneration? started;
    private TimeSpan ticked;

    public Seat Seat => seat;

    public bool IsMaking => change is { IsOver: false };

    public void Know(IEnumerable<JobNode> known)
    {
        foreach (var node in known)
            nodes[node.Key] = node;
    }

    /// <summary>The conductor wants another generation.</summary>
    public void Regroup(ImmutableArray<NodeKey> newcomers, TimeSpan now)
    {
        if (IsMaking)
        {
            Carry(change!.Again(now));
            foreach (var newcomer in newcomers)
                Carry(change.Join(newcomer));
        }
        else
        {
            Make(newcomers, now);
        }
    }

    /// <summary>Steps happen in the generation of whoever says so.</summary>
    public void Trains(NodeKey from, TimeSpan now)
    {
        // Where nothing has begun that is no word for this node: it missed the beginning, or has no part in it, and asks before long.
        if (!seat.IsFenced && seat.Pending.IsEmpty)
            Heard(from, now);
    }

    public void Heard(NodeKey from, TimeSpan now)
    {
        seat.Heard(from, now);
        change?.Heard(from, now);
    }

    public void On(NodeKey from, Promise promise, SeatState state, TimeSpan now)
    {
        seat.Heard(from, now);
        if (!IsMaking && seat.Late(from, promise) is { } refusal && nodes.TryGetValue(from, out var late))
            outlet.Tell(late, new WorkerProtocol.HoldRejected(job, seat.Self, refusal));
        if (!IsMaking || promise.Ballot != change!.Ballot)
            return;
        states[from] = state;
        Carry(change.On(from, promise, now));
    }

    public void On(NodeKey from, Refusal refusal, TimeSpan now)
    {
        seat.Heard(from, now);
        if (IsMaking)
            Carry(change!.On(from, refusal, now));
        else if (seat.Passed(refusal.Present))
            outlet.Superseded(refusal.Present.Ballot, isOut: true);
    }

    /// <summary>What the conductor answers to <see cref="IVotingOutlet.Formed"/>.</summary>
    public void Start(WorkerProtocol.StartGeneration start, TimeSpan now)
    {
        if (!IsMaking)
            return;
        started = start;
        Know(start.Nodes);
        Carry(change!.Start(start.Begin, now));
    }

    public void Ready(NodeKey from, Ballot ballot, TimeSpan now)
    {
        seat.Heard(from, now);
        if (IsMaking)
            Carry(change!.Ready(from, ballot, now));
    }

    public void ProvedDead(NodeKey node, TimeSpan now)
    {
        seat.ProvedDead(node, now);
        if (IsMaking)
            Carry(change!.ProvedDead(node, now));
    }

    public void Tick(TimeSpan now)
    {
        // This node is about, and whoever could not be heard while it stood still itself gets time to be.
        IEnumerable<NodeKey> heard = now - ticked > StallOf * times.Repeat ? nodes.Keys : [seat.Self];
        ticked = now;
        foreach (var node in heard)
            change?.Heard(node, now);
        if (IsMaking)
            Carry(change!.Tick(now));
        else if (seat.StandsAt() is { } at && at <= now)
            Make([], now);
    }

    public void TellOthers(object message)
    {
        foreach (var node in nodes.Values.Where(n => n.Key != seat.Self && !seat.Dead.Contains(n.Key)))
            outlet.Tell(node, message);
    }

    private void Make(ImmutableArray<NodeKey> newcomers, TimeSpan now)
    {
        states.Clear();
        started = null;
        change = new GenerationChange(seat, newcomers, times, now);
        Carry(change.Open());
    }

    private void Carry(IEnumerable<ChangeDecision> decisions)
    {
        foreach (var decision in decisions.ToArray())
        {
            switch (decision)
            {
                case ChangeDecision.Ask ask:
                    Tell(ask.Nodes, new WorkerProtocol.HoldJob(job, ask.Hold));
                    break;
                case ChangeDecision.Probe probe:
                    foreach (var node in probe.Nodes.Where(nodes.ContainsKey))
                        outlet.Probe(nodes[node]);
                    break;
                case ChangeDecision.Form form:
                    outlet.Formed(form.Formation, states.ToImmutableDictionary());
                    break;
                case ChangeDecision.Start start:
                    Tell(start.Nodes, started!);
                    break;
                case ChangeDecision.Run run:
                    outlet.Runs(run.Roll);
                    break;
                case ChangeDecision.Wait wait:
                    outlet.Waits(wait.Reason);
                    break;
                case ChangeDecision.GiveUp giveUp:
                    outlet.Impossible(giveUp.Reason);
                    break;
                case ChangeDecision.Stop stop:
                    outlet.Superseded(stop.By, stop.Present is { } present && !present.Members.Contains(seat.Self));
                    break;
                default:
                    throw new InvalidOperationException($"nobody carries out {decision}");
            }
        }
    }

    private void Tell(ImmutableArray<NodeKey> to, object message)
    {
        foreach (var key in to)
        {
            if (nodes.TryGetValue(key, out var node))
                outlet.Tell(node, message);
        }
    }
}
