using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>How a generation starts here: its workers, the replica that they begin with, its rounds.</summary>
internal sealed partial class NodeJobActor
{
    private void Start(StartGeneration start)
    {
        if (voting.Seat.On(start.Begin, Now) is { } refusal)
        {
            Sender.Tell(new HoldRejected(Id, order.Key, refusal), Context.Parent);
            return;
        }

        hold = (Sender, start.Begin.Roll.Ballot);
        if (start.Begin.Roll.Ballot == present?.Begin.Roll.Ballot)
        {
            AnswerReady();
            return;
        }

        (present, conductor, begun, held, resting, waits) = (start, start.Conductor, false, false, false, null);
        Timers.Cancel(nameof(RestTimedOut));
        voting.Know(start.Nodes);
        records.Learn(start.Past);
        records.Know(start.Membership);
        order.Plane?.KeepConnected(Id.Value, start.Nodes.Where(n => n.Key != order.Key).Select(n => n.Peer).OfType<PeerId>());
        ready.Clear();
        rested.Clear();
        waiting.Clear();
        waiting.AddRange(start.Membership.Members.Where(m => m.Offer.Node == order.Key.Name).Select(m => m.Rank));
        StartWaiting();
        AnswerReady();
    }

    private void AnswerReady()
    {
        if (!held && present is { } start && hold is { } by && by.Ballot == start.Begin.Roll.Ballot
            && start.Membership.Members.Where(m => m.Offer.Node == order.Key.Name).All(m => ready.Contains(m.Rank)))
        {
            by.Asker.Tell(new NodeReady(Id, order.Key, by.Ballot), Context.Parent);
        }
    }

    /// <summary>A device takes the next generation's worker when it has let go of the last one's; the replica may still be on its way meanwhile.</summary>
    private void StartWaiting()
    {
        // Once a generation has begun nobody needs what it began with, and it is forgotten.
        if (waiting.Count == 0)
            return;
        foreach (int rank in waiting.ToArray())
        {
            var member = present!.Membership.Members[rank];
            if (data is null || !devices.TryGetValue(member.Offer.Device, out var device))
            {
                waiting.Remove(rank);
                Refuse(rank, $"{member.Worker} is not prepared for job {Id}");
            }
            else if (!workers.Values.Any(w => w.Device.Equals(device)))
            {
                waiting.Remove(rank);
                if (KeptOf(rank) is { } sums)
                    Start(member, device, data, sums);
                else
                    Refuse(rank, $"what {member.Worker} was to bring to step {present.Start.Step} is not kept there");
            }
        }

        if (present!.Start.Replica is { } replica && order.Replicas.Find(replica) is null)
            Fetch(replica);
    }

    private ImmutableArray<SumRow>? KeptOf(int rank) =>
        Membership!.Unfinished is { } unfinished ? kept.Find(unfinished.Step, unfinished.Shares[rank].Kept) : [];

    private void Refuse(int rank, string reason) =>
        Fail(new WorkerRejected(Id, Membership!.Generation, rank, reason), Membership.Generation, rank, reason);

    /// <summary>Whoever is behind, or new here, gets the replica from a peer.</summary>
    private void Fetch(ReplicaId replica)
    {
        if (fetching == replica)
            return;
        fetching = replica;
        long step = present!.Start.Step;
        order.Replicas.FetchAsync(Id, replica, present.Sources, stop.Token).PipeTo(
            Self, success: _ => new ReplicaFetched(replica, step, null), failure: e => new ReplicaFetched(replica, step, e.Message));
    }

    private void Fetched(ReplicaFetched message)
    {
        if (fetching == message.Replica)
            fetching = null;
        if (message.Failure is null && position?.Step > message.Step)
        {
            // It was wanted for a generation that came to nothing.
            order.Replicas.Forget(message.Replica);
        }
        else if (message.Failure is null)
        {
            if (position?.Replica != message.Replica)
                ForgetState();
            position = new StartPoint(message.Step, message.Replica);
        }

        if (present?.Start.Replica != message.Replica || held)
            return;
        foreach (var (worker, at) in workers.Where(w => w.Value.Generation == Membership!.Generation))
        {
            if (message.Failure is null)
                worker.Tell(ReplicaArrived.Instance);
            else
                Refuse(at.Rank, message.Failure);
        }
    }

    private void Start(Member member, IActorRef device, Dataset samples, ImmutableArray<SumRow> sums)
    {
        var start = present!;
        var resources = new WorkerResources();
        var (self, worker) = (Self, new WorkerOrder(
            Id, definition!, job.Options, start.Membership, member.Rank, samples, start.Start, start.Until, start.Stopping, saving, Space(member), plans)
        {
            Kept = sums,
        });
        var actor = Context.ActorOf(
            Props.Create(() => new WorkerActor(worker, device, self, order.Transport, order.Replicas, resources, order.Settings, order.Time)).WithDispatcher(order.Dispatcher),
            $"worker-{start.Membership.Generation.Number}-{member.Rank}");
        workers.Add(Context.Watch(actor), new Held(start.Membership.Generation, member.Rank, device, resources));
    }

    private WorkerSpace Space(Member member) => new(
        member.Offer.Device, order.Devices.First(d => d.Name == member.Offer.Device).Scratch, order.Settings.StepsAhead + order.Settings.BatchesAhead);

    /// <summary>A newcomer's first plan, before others wait for it.</summary>
    private void Expect(ExpectGeneration expected)
    {
        if (present is not null || definition is not { } known || data is not { } read)
            return;
        var places = expected.Membership.Members.Where(m => m.Offer.Node == order.Key.Name && devices.ContainsKey(m.Offer.Device)).Select(m => (Member: m, Space: Space(m))).ToArray();
        // Whatever is wrong with a plan its worker will find and say.
        Task.Factory.StartNew(
            () =>
            {
                foreach (var place in places)
                    plans.Get(place.Space, known, read.Description, place.Member);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .ContinueWith(t => log.Debug("job {0}: {1}", Id, t.Exception!.InnerException!.Message), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    private void Begin(BeginSteps begin)
    {
        if (!voting.Seat.Begun(begin.Ballot, Now) || present?.Begin.Roll.Ballot != begin.Ballot || held || begun)
            return;
        collective.Tell(new CollectiveProtocol.BeginGeneration(Membership!.Rounds(Id, begin.Buckets), begin.FirstStep));
    }

    private void Begun(CollectiveProtocol.GenerationBegun message)
    {
        if (message.Generation != Membership?.Generation || held || resting)
            return;
        begun = true;
        kept.Begin(present!.Start.Step);
        foreach (var worker in workers.Keys)
            worker.Tell(new StepsBegun(Id, message.Generation));
        // Every worker has the replica now.
        ForgetState();
    }
}
