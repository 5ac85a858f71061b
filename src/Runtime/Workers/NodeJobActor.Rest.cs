using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>How it comes to rest here: workers are interrupted, one gives up its replica, and whoever counts gets its answer.</summary>
internal sealed partial class NodeJobActor
{
    /// <summary>A promise: nothing of the present generation happens here any more that has not happened yet.</summary>
    private void Hold(HoldJob ordered)
    {
        // Asked once more, before it was known that the answer had arrived; the generation is being made ready.
        if (ordered.Hold.Ballot == present?.Begin.Roll.Ballot)
            return;
        if (voting.Seat.On(ordered.Hold, Now) is { } refusal)
        {
            Sender.Tell(new HoldRejected(Id, order.Key, refusal), Context.Parent);
            return;
        }

        hold = (Sender, ordered.Hold.Ballot);
        Sender.Tell(new HoldHeard(Id, order.Key, ordered.Hold.Ballot), Context.Parent);
        waiting.Clear();
        if (held || Membership is null)
            Answer();
        else if (!resting)
            Interrupt(ordered.Hold.Ballot);
    }

    private void Interrupt(Ballot by)
    {
        var generation = Membership!.Generation;
        resting = true;
        rested.Clear();
        kept.Interrupted();
        order.Transport.Abort(Id, generation, $"{generation} of job {Id} is over: {by} begins the next");
        long? last = order.Transport.LastCompleted(Id, generation);
        foreach (var worker in workers.Keys)
            worker.Tell(new InterruptWorker(last));
        Timers.StartSingleTimer(nameof(RestTimedOut), RestTimedOut.Instance, order.Settings.RestTimeout);
        TakeState();
    }

    private void Rested(WorkerRested message)
    {
        if (message.Generation != Membership?.Generation || !rested.Add(message.Rank))
            return;
        kept.Bring(message.Sums);
        TakeState();
    }

    /// <summary>Once all workers here are at rest or lost, one of them gives up its replica.</summary>
    private void TakeState()
    {
        if (held || !resting)
            return;
        var here = workers.Where(w => w.Value.Generation == Membership?.Generation && !lost.ContainsKey(Device(w.Value.Rank))).ToArray();
        if (here.Any(w => !rested.Contains(w.Value.Rank)))
            return;
        if (here.Length == 0 || !begun)
            Promise();
        else
            here[0].Key.Tell(new NodeJobProtocol.TakeState(kept.Brought));
    }

    private void Taken(StateTaken message)
    {
        if (held || message.Generation != Membership?.Generation)
            return;
        ForgetState();
        position = new StartPoint(message.State.Step, order.Replicas.Keep(Id, message.State));
        records.Add(message.Tests);
        kept.Keep(message.Generation, message.Sums);
        Promise();
    }

    private void Promise()
    {
        Timers.Cancel(nameof(RestTimedOut));
        (held, resting) = (true, false);
        Answer();
        foreach (var worker in workers.Keys)
            Context.Stop(worker);
    }

    private void Answer()
    {
        if (hold is { } by)
        {
            by.Asker.Tell(new JobHeld(Id, order.Key, voting.Seat.Answer(data is null ? null : position?.Step, leaving), new SeatState(
                position, records.Past, [.. lost.Select(l => new LostDevice(l.Key, l.Value))])
            {
                Kept = kept.Report,
            }), Context.Parent);
        }
    }

    private void Overdue()
    {
        foreach (var worker in workers.Values.Where(w => w.Generation == Membership?.Generation && !rested.Contains(w.Rank)))
        {
            lost.TryAdd(Device(worker.Rank), $"it did not come to rest within {order.Settings.RestTimeout.TotalSeconds:0.#} s (singa.runtime.rest-timeout)");
        }

        TakeState();
    }
}
