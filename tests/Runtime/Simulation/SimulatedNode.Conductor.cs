using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>The conductor and the candidate.</summary>
internal sealed partial class SimulatedNode
{
    private static readonly TimeSpan RestPatience = TimeSpan.FromSeconds(3);
    private GenerationChange? change;
    private Conducting? conducting;
    private Message.StartJob? starting;
    private readonly Dictionary<NodeKey, Message.Held> answers = [];

    /// <summary>Whom this node says it waits for.</summary>
    public ChangeDecision.Wait? Waiting => change?.Waiting;

    public bool HasGivenUp { get; private set; }

    public string Stand => $"{key} ({(IsAlive ? IsPaused ? "paused" : "alive" : IsHostLost ? "host lost" : "dead")}{(IsFinished ? ", finished" : "")}) next {next}, "
        + $"present {Seat?.Present.Ballot}, pending {string.Join("; ", Seat?.Pending.Select(p => p.Ballot.ToString()) ?? [])}, promised {Seat?.Promised}, awaits {Seat?.Awaited}, "
        + $"stands at {Seat?.StandsAt()}, change {change?.Ballot} {change?.Waiting?.Reason}, {(conducting is null ? "" : "conducting, ")}"
        + $"work {work?.Rounds.Ballot} {(work?.IsRunning == true ? "running" : work?.IsReady == true ? "ready" : "")} until {work?.Until}{(IsLeaving ? ", leaving" : "")}";

    public void StartChange(IEnumerable<NodeKey> newcomers)
    {
        answers.Clear();
        change = new GenerationChange(Seat!, newcomers, Times, Now);
        Carry(change.Open());
    }

    private void OnConductor(NodeKey from, Message message)
    {
        switch (message)
        {
            case Message.Held held when change is not null:
                answers[from] = held;
                Carry(change.On(from, held.Promise, Now));
                break;
            case Message.Refused refused when change is not null:
                Carry(change.On(from, refused.Refusal, Now));
                break;
            case Message.Ready ready when change is not null:
                Carry(change.Ready(from, ready.Ballot, Now));
                break;
            case Message.Unfit unfit when change?.Ballot == unfit.Ballot:
                Carry(change.Unfit(from, Now));
                break;
            case Message.Troubled troubled when conducting?.Roll.Ballot == troubled.Ballot && !Seat!.IsFenced:
                Seat.Trouble(Now);
                break;
            case Message.BeatAnswer answer when conducting?.Roll.Ballot == answer.Ballot:
                conducting.Nexts[from] = Math.Max(answer.Next, conducting.Nexts.GetValueOrDefault(from));
                conducting.Heard[from] = Now;
                Note(answer.Records, recorded);
                break;
            case Message.TakenDown told:
                Note(ImmutableSortedDictionary<long, ulong>.Empty, told.Next);
                break;
            case Message.StepsHeld held when conducting is { Admission: { } admission } && conducting.Roll.Ballot == held.Ballot:
                int place = conducting.Processes.IndexOf(from);
                if (place >= 0)
                    Admit(admission.Answer(held.Number, place, held.Next, Committed));
                break;
            case Message.Join join when conducting is not null && !Seat!.IsFenced:
                if (conducting.Roll.IsMember(join.Node))
                    Send(join.Node, new Message.Beat(conducting.Roll.Ballot, recorded));
                else
                    Send(join.Node, new Message.Prepare(founding!));
                if (!conducting.Roll.IsAcceptor(join.Node))
                    Send(join.Node, new Message.Notice(conducting.Roll));
                break;
            case Message.Join join when change is not null:
                Send(join.Node, new Message.Prepare(founding!));
                break;
            case Message.Prepared:
                if (change is not null)
                    Carry(change.Join(from));
                else if (conducting is not null && !conducting.Roll.IsMember(from))
                    conducting.Planned.Join(from, Now);
                break;
            case Message.Leave when conducting is not null && !Seat!.IsFenced:
                if (conducting.Roll.IsMember(from))
                    conducting.Planned.Leave(from, Now);
                else
                    Send(from, new Message.Beat(conducting.Roll.Ballot, recorded));
                break;
            case Message.Leave when Seat!.Present.Conductor != key:
                Send(from, new Message.Notice(Seat.Present));
                break;
        }
    }

    private void Carry(IEnumerable<ChangeDecision> decisions)
    {
        foreach (var decision in decisions.ToArray())
        {
            switch (decision)
            {
                case ChangeDecision.Ask ask:
                    foreach (var node in ask.Nodes)
                        Send(node, new Message.HoldJob(ask.Hold));
                    break;
                case ChangeDecision.Probe probe:
                    foreach (var node in probe.Nodes)
                        network.Probe(key, node);
                    break;
                case ChangeDecision.Form form:
                    Form(form.Formation);
                    break;
                case ChangeDecision.Start start:
                    foreach (var node in start.Nodes)
                        Send(node, starting!);
                    break;
                case ChangeDecision.Run run:
                    Run(run.Roll);
                    break;
                case ChangeDecision.Wait:
                    break;
                case ChangeDecision.GiveUp:
                    (change, HasGivenUp) = (null, true);
                    break;
                case ChangeDecision.Stop stop:
                    change = null;
                    if (stop.Present is not null)
                    {
                        Rest(stop.Present.Ballot);
                        conducting = null;
                    }

                    break;
                default:
                    throw new ViolationException($"nobody carries out {decision}");
            }
        }
    }

    private void Form(Formation formation)
    {
        var offers = formation.TakePart.SelectMany(n => Enumerable.Range(0, network[n].Devices).Select(_ => n)).ToArray();
        var ranges = Assignment.Of(network.Scenario.Shards, [.. offers.Select(n => 1 + n.Incarnation % 3 * 0.5)]);
        var active = offers.Zip(ranges).Where(x => x.Second.Count > 0).ToArray();
        var begin = formation.With(key, [.. active.Select(x => x.First)]);
        var known = answers.Values.Where(a => a.Promise.Ballot == formation.Ballot).Aggregate(records, (all, a) => all.SetItems(a.Records));
        long upTo = answers.Values.Max(a => a.Recorded);
        starting = new Message.StartJob(begin, [.. active.Select(x => x.Second)], formation, known, Math.Max(recorded, upTo));
        Carry(change!.Start(begin, Now));
    }

    private void Run(Roll roll)
    {
        network.Watch.Begun(starting!.Begin);
        Note(starting.Records, starting.Recorded);
        var planned = conducting?.Planned ?? new PlannedChange(TimeSpan.FromMilliseconds(200));
        planned.Begun(roll, Now);
        (change, conducting) = (null, new Conducting(roll, [.. roll.Ranks.Distinct()], planned) { Start = starting.Formation.Step, BegunAt = Now });
        TellAll();
    }

    private void Conduct()
    {
        var here = conducting!;
        if (Now >= here.BeatAt)
        {
            here.BeatAt = Now + (network.Scenario.Nodes > 20 ? TimeSpan.FromMilliseconds(300) : TimeSpan.FromMilliseconds(100));
            TellAll();
        }

        foreach (var (step, after) in records.Where(r => r.Key >= recorded && r.Key < Committed).Take(20))
            Send(SimulatedObserver.Key, new Message.Commit(step, after));
        if (recorded == network.Truth.Steps)
        {
            foreach (var node in network.Alive)
                Send(node.Key, new Message.Finished());
            Finish();
            return;
        }

        // No round is open after the last step: whoever is silent then would be missed by nobody else.
        if (here.Processes.Any(n => Now - here.Heard.GetValueOrDefault(n, here.BegunAt) > Times.ConductorPatience))
            Seat!.Trouble(Now);
        if (IsLeaving && Heir is not null)
            here.Planned.Leave(key, Now);
        if (here.Admission is null && here.Planned.DueAt <= Now)
        {
            (here.Admission, here.RestSince) = (new Admission(here.Processes.Length), Now);
            Admit(here.Admission.Rest(end: false));
        }
        else if (here.Admission is { } admission && Now - here.RestSince > RestPatience)
        {
            Regroup();
        }
        else
        {
            Admit(here.Admission?.Reach(Committed) ?? []);
        }
    }

    private void Admit(IEnumerable<JobDecision> decisions)
    {
        foreach (var decision in decisions.ToArray())
        {
            Message? message = decision switch
            {
                JobDecision.Hold hold => new Message.HoldSteps(conducting!.Roll.Ballot, hold.Number),
                JobDecision.Run run => new Message.RunSteps(conducting!.Roll.Ballot, run.Until),
                _ => null,
            };
            if (message is not null)
            {
                foreach (var node in conducting!.Processes)
                    Send(node, message);
            }
            else if (decision is JobDecision.Paused)
            {
                Regroup();
            }
        }
    }

    /// <summary>Who conducts when this node leaves.</summary>
    private NodeKey? Heir => conducting!.Processes.Where(n => n != key && !conducting.Planned.Leaving.Contains(n) && !Seat!.Dead.Contains(n)).Cast<NodeKey?>().FirstOrDefault();

    /// <summary>At rest, as planned. A conductor that leaves has somebody else do it, if there is somebody.</summary>
    private void Regroup()
    {
        if (IsLeaving && Heir is { } heir && Now - conducting!.RestSince < 2 * RestPatience)
            Send(heir, new Message.StandUp(conducting!.Roll.Ballot));
        else
            StartChange(conducting!.Planned.Newcomers);
    }

    private void TellAll()
    {
        var here = conducting!;
        foreach (var node in here.Roll.Acceptors)
            Send(node, new Message.Beat(here.Roll.Ballot, recorded));
        foreach (var node in here.Roll.Missing)
            Send(node, new Message.Notice(here.Roll));
        if (network.Coordinator(key) is { } coordinator)
            Send(coordinator, new Message.Conducts(here.Roll.Ballot));
    }

    /// <summary>Steps that have happened everywhere.</summary>
    private long Committed => conducting is { } here ? Math.Max(here.Start, here.Processes.Min(n => here.Nexts.GetValueOrDefault(n, here.Start))) : 0;

    private sealed record Conducting(Roll Roll, ImmutableArray<NodeKey> Processes, PlannedChange Planned)
    {
        public long Start { get; init; }

        public required TimeSpan BegunAt { get; init; }

        public Dictionary<NodeKey, long> Nexts { get; } = [];

        public Dictionary<NodeKey, TimeSpan> Heard { get; } = [];

        public TimeSpan BeatAt { get; set; }

        public Admission? Admission { get; set; }

        public TimeSpan RestSince { get; set; }
    }
}
