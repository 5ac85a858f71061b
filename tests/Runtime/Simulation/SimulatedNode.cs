using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>
/// A process in one life: a seat, a worker with its replica, perhaps the conductor; what actors would do around the real state machines. This
/// part is its life and its mail.
/// </summary>
internal sealed partial class SimulatedNode(SimulatedNetwork network, NodeKey key, int devices)
{
    private static readonly TimeSpan OfferEvery = TimeSpan.FromMilliseconds(500);
    private readonly Queue<Action<SimulatedNode>> held = new();
    private int ticking;
    private Ballot conductorBallot = Ballot.None;
    private NodeKey conductor;
    private TimeSpan offered = -OfferEvery;

    public NodeKey Key => key;

    public int Devices => devices;

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    /// <summary>Power gone, cable out: it is dead and nobody can prove it.</summary>
    public bool IsHostLost { get; private set; }

    public bool IsLeaving { get; private set; }

    public bool IsFinished { get; private set; }

    public Seat? Seat { get; private set; }

    private RegroupingTimes Times => network.Scenario.Times;

    private TimeSpan Now => network.Now;

    private TimeSpan TickEvery => TimeSpan.FromMilliseconds(network.Scenario.Nodes > 20 ? 100 : 50);

    public void Start() => network.At(network.Short(), () => Tick(0));

    public void Crash(bool isHostLost)
    {
        if (!IsAlive)
            return;
        (IsAlive, IsHostLost) = (false, isHostLost);
        network.Ended(key);
    }

    public void Pause() => IsPaused = IsAlive;

    public void Resume()
    {
        IsPaused = false;
        int life = ++ticking;
        network.At(TimeSpan.Zero, () => Tick(life));
        while (IsAlive && !IsPaused && held.TryDequeue(out var mail))
            mail(this);
    }

    /// <summary>It wants to go, and does when the job goes on without it; who has no part in the job goes at once.</summary>
    public void Leave()
    {
        if (IsNewcomer)
            Crash(isHostLost: false);
        else
            IsLeaving = true;
    }

    public void Deliver(Action<SimulatedNode> mail)
    {
        if (!IsAlive)
            return;
        if (IsPaused)
            held.Enqueue(mail);
        else
            mail(this);
    }

    public void On(NodeKey from, Message message)
    {
        if (IsFinished && message is not Message.Finished)
        {
            if (message is Message.HoldJob or Message.Offer or Message.Join or Message.Beat or Message.BeatAnswer)
                Send(from, new Message.Finished());
            return;
        }

        Seat?.Heard(from, Now);
        change?.Heard(from, Now);
        switch (message)
        {
            case Message.Offer:
                if (conductorBallot > Ballot.None)
                    Send(conductor, new Message.Join(from));
                break;
            case Message.Conducts conducts:
                if (conducts.Ballot > conductorBallot)
                    (conductorBallot, conductor) = (conducts.Ballot, from);
                break;
            case Message.Finished:
                Finish();
                break;
            case Message.Prepare prepare:
                Prepare(from, prepare);
                break;
            default:
                if (Seat is not null)
                    OnSeated(from, message);
                break;
        }
    }

    public void ProvedDead(NodeKey dead)
    {
        if (Seat is null)
            return;
        Seat.ProvedDead(dead, Now);
        conducting?.Planned.Forget(dead);
        if (change is not null)
            Carry(change.ProvedDead(dead, Now));
    }

    public void Finish()
    {
        IsFinished = true;
        (change, conducting, work) = (null, null, null);
    }

    private void OnSeated(NodeKey from, Message message)
    {
        switch (message)
        {
            case Message.HoldJob hold:
                Hold(from, hold.Hold);
                break;
            case Message.StartJob start:
                StartJob(from, start);
                break;
            case Message.Beat beat:
                Beat(from, beat);
                break;
            case Message.Notice notice:
                Passed(notice.Present);
                break;
            case Message.Fetch:
                if (next is { } at)
                    Send(from, new Message.Replica(at, value, records, recorded));
                break;
            case Message.Replica replica:
                Fetched(replica);
                break;
            case Message.Rows rows:
                OnRows(rows);
                break;
            case Message.Total total:
                OnTotal(total);
                break;
            case Message.HoldSteps hold:
                HoldSteps(from, hold);
                break;
            case Message.RunSteps run:
                RunSteps(run);
                break;
            case Message.StandUp stand:
                if (Seat!.Present.Ballot == stand.Ballot && change is null && !IsLeaving)
                    StartChange([]);
                break;
            default:
                OnConductor(from, message);
                break;
        }
    }

    private void Tick(int life)
    {
        if (!IsAlive || IsPaused || life != ticking)
            return;
        network.At(TickEvery, () => Tick(life));
        if (IsFinished)
            return;
        WatchRounds();
        if (change is not null)
            Change();
        else if (Seat?.StandsAt() <= Now)
            StartChange(conducting?.Planned.Newcomers ?? []);
        if (conducting is not null && change is null && !Seat!.IsFenced)
            Conduct();
        if (IsNewcomer && Now - offered >= OfferEvery && network.Coordinator(key) is { } coordinator)
        {
            offered = Now;
            Send(coordinator, new Message.Offer());
        }

        if (IsLeaving && Seat is { } seat && !IsNewcomer && conducting is null && change is null)
            Send(seat.Present.Conductor, new Message.Leave());
    }

    private void Change()
    {
        // Whoever tries to make a generation is whom newcomers want to know.
        if (network.Coordinator(key) is { } coordinator && network.Random.Next(4) == 0)
            Send(coordinator, new Message.Conducts(change!.Ballot));
        Carry(change!.Tick(Now));
    }

    /// <summary>It has devices and no part in the job.</summary>
    private bool IsNewcomer => !IsLeaving && (Seat is null || !Seat.Latest.IsMember(key) && (!isFounder || Seat.Latest.Ballot > Ballot.None));

    private void Send(NodeKey to, Message message) => network.Send(key, to, message);
}
