using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>The seat and the worker: promises, generations, steps.</summary>
internal sealed partial class SimulatedNode
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);
    private long? next;
    private ulong value;
    private ImmutableSortedDictionary<long, ulong> records = ImmutableSortedDictionary<long, ulong>.Empty;
    private long recorded;
    private Work? work;
    private bool isAtRest = true;
    private int rests;
    private NodeKey? preparingFor;
    private Roll? founding;
    private bool isFounder;

    /// <summary>One of those that the job begins with: the first values are drawn, not fetched.</summary>
    public void Found(Roll roll)
    {
        Seat = new Seat(key, founding = roll, Times);
        (next, value, isFounder) = (0, network.Truth.Value(0), true);
    }

    private void Prepare(NodeKey from, Message.Prepare prepare)
    {
        Seat ??= new Seat(key, founding = prepare.Founding, Times);
        if (!IsNewcomer || work is not null)
            return;
        preparingFor = from;
        if (next is null)
            Send(from, new Message.Fetch());
        else
            Send(from, new Message.Prepared());
    }

    private void Hold(NodeKey from, Hold hold)
    {
        if (Seat!.On(hold, Now) is { } refusal)
        {
            Send(from, new Message.Refused(refusal));
            return;
        }

        preparingFor = null;
        Rest(hold.Ballot);
        if (isAtRest)
            Send(from, new Message.Held(Seat.Answer(next, IsLeaving && from != key), records, recorded));
        else
            Send(from, new Message.Resting(hold.Ballot));
    }

    /// <summary>What is on the device comes to its end; the round does not.</summary>
    private void Rest(Ballot below)
    {
        if (work is null || work.Rounds.Ballot >= below)
            return;
        bool wasRunning = work.IsRunning;
        work = null;
        if (!wasRunning)
            return;
        isAtRest = false;
        int number = ++rests;
        var takes = TimeSpan.FromMilliseconds(network.IsFaulty && network.Random.Next(10) == 0 ? network.Random.Next(1500) : network.Random.Next(30));
        network.At(takes, () => Deliver(n => n.Rested(number)));
    }

    private void Rested(int number)
    {
        if (number != rests || isAtRest || Seat is null)
            return;
        isAtRest = true;
        if (Seat.IsFenced && Seat.Awaited != default)
            Send(Seat.Awaited, new Message.Held(Seat.Answer(next, IsLeaving && Seat.Awaited != key), records, recorded));
    }

    private void StartJob(NodeKey from, Message.StartJob start)
    {
        var begin = start.Begin;
        if (work?.Start.Begin.Roll.Ballot == begin.Roll.Ballot)
        {
            if (work.IsReady)
                Send(from, new Message.Ready(begin.Roll.Ballot));
            else
                Fetch();
            return;
        }

        if (Seat!.On(begin, Now) is { } refusal)
        {
            Send(from, new Message.Refused(refusal));
            return;
        }

        preparingFor = null;
        if (!begin.Roll.IsMember(key))
        {
            Rest(begin.Roll.Ballot);
            Send(from, new Message.Ready(begin.Roll.Ballot));
            return;
        }

        if (network.IsFaulty && network.Random.Next(400) == 0)
        {
            Send(from, new Message.Unfit(begin.Roll.Ballot));
            return;
        }

        Rest(begin.Roll.Ballot);
        Note(start.Records, start.Recorded);
        work = new Work(start, new ProcessRounds(key, begin.Roll, start.Shards));
        if (next == start.Formation.Step)
            network.At(TimeSpan.FromMilliseconds(network.Random.Next(1, 60)), () => Deliver(n => n.GetReady(begin.Roll.Ballot)));
        else
            Fetch();
    }

    private void Fetch()
    {
        if (work is { IsReady: false } && next == work.Start.Formation.Step)
            GetReady(work.Rounds.Ballot);
        else if (work is { IsReady: false } && next != work.Start.Formation.Step && work.Start.Formation.Fetches.TryGetValue(key, out var source))
            Send(source, new Message.Fetch());
    }

    private void Fetched(Message.Replica replica)
    {
        if (work is { IsReady: false } && replica.Next == work.Start.Formation.Step && next != replica.Next)
        {
            (next, value) = (replica.Next, replica.Value);
            Note(replica.Records, replica.Recorded);
            GetReady(work.Start.Begin.Roll.Ballot);
        }
        else if (preparingFor is { } asked && IsNewcomer && work is null && next is null)
        {
            (next, value) = (replica.Next, replica.Value);
            Note(replica.Records, replica.Recorded);
            Send(asked, new Message.Prepared());
        }
    }

    private void GetReady(Ballot ballot)
    {
        if (work is not { IsReady: false } || work.Start.Begin.Roll.Ballot != ballot || !isAtRest)
            return;
        work.IsReady = true;
        Send(work.Start.Begin.Roll.Conductor, new Message.Ready(ballot));
    }

    private void Beat(NodeKey from, Message.Beat beat)
    {
        Note(ImmutableSortedDictionary<long, ulong>.Empty, beat.Recorded);
        bool mayRun = Seat!.Begun(beat.Ballot, Now);
        if (IsLeaving && Seat.Present.Ballot == beat.Ballot && !Seat.Present.IsMember(key))
        {
            Crash(isHostLost: false);
            return;
        }

        if (!mayRun || work?.Start.Begin.Roll.Ballot != beat.Ballot)
            return;
        if (!work.IsRunning)
        {
            work.IsRunning = true;
            Compute();
        }

        Send(from, new Message.BeatAnswer(beat.Ballot, next!.Value, records));
    }

    private void Passed(Roll by)
    {
        if (!Seat!.Passed(by))
            return;
        Rest(by.Ballot);
        (conducting, change) = (null, null);
    }

    /// <summary>The next step, if it may be taken.</summary>
    private void Compute()
    {
        if (work is not { IsRunning: true, IsComputing: false } here || next >= Math.Min(here.Until, network.Truth.Steps) || !here.Rounds.IsMember)
            return;
        here.IsComputing = true;
        var takes = TimeSpan.FromMilliseconds(network.Random.Next(5, 60));
        network.At(takes, () => Deliver(n => n.Computed(here)));
    }

    private void Computed(Work here)
    {
        if (work != here || !here.IsRunning)
            return;
        network.Watch.Brings(key, next!.Value);
        foreach (var (owner, rows) in here.Rounds.Bring(next.Value, value, Now))
            Send(owner, rows);
    }

    private void OnRows(Message.Rows rows)
    {
        if (work is null || work.Rounds.Ballot != rows.Ballot || work.Rounds.On(rows, Now) is not var (everybody, total))
            return;
        foreach (var node in everybody)
            Send(node, total);
    }

    private void OnTotal(Message.Total total)
    {
        if (work is not { IsRunning: true } here || here.Rounds.Ballot != total.Ballot || here.Rounds.On(total, next!.Value, value) is not { } after)
            return;
        long step = next.Value;
        if (after != network.Truth.Value(step + 1))
            throw new ViolationException($"{key} has a wrong replica after step {step}");
        (next, value, here.IsComputing) = (step + 1, after, false);
        records = records.Add(step, after);
        Compute();
    }

    private void WatchRounds()
    {
        if (work is { IsRunning: true } && work.Rounds.IsOverdue(Now, Deadline))
            Seat!.Trouble(Now);
        if (work is { IsRunning: true } && Seat!.IsTroubled && !Seat.IsFenced && Seat.Present.Conductor != key)
            Send(Seat.Present.Conductor, new Message.Troubled(Seat.Present.Ballot));
    }

    private void HoldSteps(NodeKey from, Message.HoldSteps hold)
    {
        if (work is not { IsRunning: true } here || here.Rounds.Ballot != hold.Ballot)
            return;
        here.Until = Math.Min(here.Until, next!.Value + (here.IsComputing ? 1 : 0));
        Send(from, new Message.StepsHeld(hold.Ballot, hold.Number, here.Until));
    }

    private void RunSteps(Message.RunSteps run)
    {
        if (work is not { IsRunning: true } here || here.Rounds.Ballot != run.Ballot)
            return;
        here.Until = run.Until;
        Compute();
    }

    private void Note(ImmutableSortedDictionary<long, ulong> known, long upTo)
    {
        recorded = Math.Max(recorded, upTo);
        records = records.SetItems(known);
        while (!records.IsEmpty && records.Keys.First() < recorded)
            records = records.Remove(records.Keys.First());
    }

    private sealed record Work(Message.StartJob Start, ProcessRounds Rounds)
    {
        public bool IsReady { get; set; }

        public bool IsRunning { get; set; }

        public bool IsComputing { get; set; }

        public long Until { get; set; } = long.MaxValue;
    }
}
