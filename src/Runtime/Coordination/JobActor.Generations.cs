using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>Who takes part, from one generation to the next: what the pool gives, who is lost, who comes and goes, where shards lie.</summary>
internal sealed partial class JobActor
{
    /// <summary>Everybody has the data: the first generation.</summary>
    private void Found()
    {
        if (preparing.Count > 0 || data is null || teller is not null)
            return;
        Timers.Cancel(nameof(PreparationTimedOut));
        try
        {
            JobSchedule.Of(definition!, data.TrainCount);
            _ = new EvaluationPoints(definition!, job.Options, data);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or JobRefusedException)
        {
            End(new JobRejected(job.Job, e.Message));
            return;
        }

        if (resume?.Outcome is { } outcome)
        {
            // It has ended before: its host gets what came out, and nobody works.
            var present = Membership.Form(resume.Generation.Next, Offers(nodes.Keys), 1, 0);
            job.Observer.Tell(new JobAccepted(job.Job, NewRun(present).Facts, present.Processes));
            End(Completed(outcome));
            return;
        }

        StartTicking();
        Become(Conducting);
        // Whoever is slow to answer is left out, and joins at a step boundary like those who come later.
        foreach (var node in prepared)
            planned.Join(node, Now);
        Regroup(reason, isTrouble: false);
        if (allotted is not null)
            Self.Tell(allotted);
    }

    private JobRun NewRun(Membership membership) => new(definition!, job.Options, data!, membership, time.GetUtcNow(), resume);

    private ImmutableArray<DeviceOffer> Offers(IEnumerable<NodeKey> of) =>
        [.. of.Where(nodes.ContainsKey).SelectMany(n => nodes[n].Offers).Where(o => !broken.Contains(o)).Select(o => o with { Speed = speeds.GetValueOrDefault(o, o.Speed) })];

    private void Lose(NodeKey node, string why)
    {
        if (!nodes.Remove(node))
            return;
        preparing.Remove(node);
        prepared.Remove(node);
        planned.Forget(node);
        if (nodes.Count == 0)
            End(Lost(why));
        else if (run is null)
            Found();
        else if (run.Membership.Members.Any(m => m.Offer.Node == node.Name))
            Regroup(why);
    }

    /// <summary>Of nodes that work the data plane knows more; others may end while they read the data.</summary>
    private void Forget(IActorRef ended)
    {
        foreach (var node in nodes.Values.Where(n => n.Node.Equals(ended)).Select(n => n.Key).ToArray())
        {
            if (run is null || !run.Membership.Members.Any(m => m.Offer.Node == node.Name))
                Lose(node, $"{node} has ended");
        }
    }

    /// <summary>Devices come and go by the pool's word as well; a job that has none rests.</summary>
    private void Allot(AllotDevices allot)
    {
        if (teller is not null)
            return;
        if (allot.Nodes.IsEmpty)
        {
            job.Observer.Tell(new JobWaiting(job.Job, allot.Reason ?? "it has no devices"));
            Rest(byHost: false);
            return;
        }

        GoOn(byHost: false);
        foreach (var node in allot.Nodes)
        {
            // The pool may take a while to hear of a death.
            if (dead.Contains(node.Key))
                continue;
            nodes[node.Key] = nodes.TryGetValue(node.Key, out var known) ? known with { Offers = node.Offers } : node;
            planned.Stay(node.Key);
            // Also one that was left behind; where it has not noticed yet it will offer itself once more.
            if (!prepared.Contains(node.Key))
                Prepare(node);
        }

        foreach (var gone in nodes.Keys.Intersect(allot.Elsewhere).ToArray())
        {
            if (gone == self)
                nodes[gone] = nodes[gone] with { Offers = [] };
            else
                planned.Leave(gone, Now);
        }

        var now = Offers(prepared).ToHashSet(DeviceOffer.ByPlace);
        if (run is not null && !now.SetEquals(run.Membership.Members.Select(m => m.Offer).Concat(run.Membership.StandBy)))
            planned.Rebalance(Now);
    }

    private void Rest(bool byHost)
    {
        (pausedByHost, pausedByPool) = (pausedByHost | byHost, pausedByPool | !byHost);
        Carry(run?.Rest(end: false) ?? []);
    }

    private void GoOn(bool byHost)
    {
        if (byHost ? !pausedByHost && pausedByPool : !pausedByPool)
            return;
        (pausedByHost, pausedByPool) = byHost ? (false, pausedByPool) : (pausedByHost, false);
        if (!pausedByHost && !pausedByPool)
            Carry(run?.Resume(time.GetUtcNow()) ?? []);
    }

    /// <summary>The job rests: whoever is next in rank goes on from here, and nothing is done twice.</summary>
    private void Resign()
    {
        log.Info("job {0} is given to another node to conduct: this one leaves", job.Job);
        foreach (var node in nodes.Values.Where(n => n.Key != self))
            node.Node.Tell(new NodeFailed(job.Job, self, $"{self} leaves"));
        Seat.Tell(new ReleaseJob(job.Job));
        Context.Parent.Tell(new Left(job.Job, IsOver: false));
        Context.Stop(Self);
    }

    private string Why => string.Join("; ", new[]
    {
        planned.Newcomers.IsEmpty ? null : $"{string.Join(", ", planned.Newcomers)} {(planned.Newcomers.Length == 1 ? "joins" : "join")}",
        planned.Leaving.IsEmpty ? null : $"{string.Join(", ", planned.Leaving)} {(planned.Leaving.Length == 1 ? "leaves" : "leave")}",
    }.OfType<string>().DefaultIfEmpty("shards move to where they take less time"));

    private void Dismissed(NodeKey node)
    {
        if (node == self || !nodes.Remove(node, out var gone))
            return;
        prepared.Remove(node);
        gone.Node.Tell(new ReleaseJob(job.Job));
    }

    /// <summary>The seat finds out who is left and may go on.</summary>
    private void Regroup(string why, bool isTrouble = true)
    {
        if (teller is not null)
            return;
        // While the seat waits for who can't answer the same is found again and again; that is not one more generation in vain.
        if (isTrouble && !regrouping)
        {
            inVain = run!.Committed == committedAtRegroup ? inVain + 1 : 0;
            committedAtRegroup = run.Committed;
            if (inVain > RegroupsInVain)
            {
                End(Lost($"{why}; {RegroupsInVain} generations in a row came to nothing"));
                return;
            }

            log.Warning("job {0} regroups at step {1}: {2}", job.Job, run.Committed, why);
        }

        (reason, regrouping, runs, buckets) = (why, true, false, null);
        Seat.Tell(new RegroupJob(job.Job, why, [.. nodes.Values.Where(n => prepared.Contains(n.Key))], planned.Newcomers));
    }

    /// <summary>Enough have promised: the next generation, with those who are there.</summary>
    private void Form(GenerationFormed formed)
    {
        if (teller is not null || !regrouping)
            return;
        var formation = formed.Formation;
        foreach (var (key, state) in formed.States)
            broken.UnionWith(state.Lost.SelectMany(l => nodes.GetValueOrDefault(key)?.Offers.Where(o => o.Device == l.Device) ?? []));
        var offers = Offers(formation.TakePart);
        var furthest = formation.Ahead.Where(formed.States.ContainsKey).Select(n => formed.States[n]).FirstOrDefault(s => s.Position is not null);
        if (offers.IsEmpty || furthest is null)
        {
            End(Lost(reason));
            return;
        }

        var membership = Layout(new Generation(formation.Ballot.Number), offers);
        var known = furthest.With(formed.States.Values);
        if (run is null)
        {
            run = NewRun(membership);
        }
        else
        {
            // Whoever fell silent has to be prepared once more when it comes back.
            prepared.RemoveWhere(n => !formation.TakePart.Contains(n) && run.Membership.Members.Any(m => m.Offer.Node == n.Name));
            var (settled, start) = run.Close(known, time.GetUtcNow());
            Carry(settled);
            membership = run.WithKept(membership, start, formed.States.Where(s => formation.TakePart.Contains(s.Key)).ToDictionary(s => s.Key.Name, s => s.Value));
            run = run.Next(membership, start, time.GetUtcNow());
            if (inVain > 0 || committedAtRegroup >= 0)
                run.Warn($"{reason}; step {start.Step} goes on in {membership.Generation} with {string.Join(", ", membership.Members.Select(m => m.Worker))}");
        }

        workers.Clear();
        rebalancing.Begin([.. membership.Members.Select(m => m.Shards)], new double[membership.Members.Length]);
        var begin = formation.With(self, [.. membership.Members.Select(m => nodes.Values.First(n => n.Key.Name == m.Offer.Node).Key)]);
        Seat.Tell(new StartGeneration(
            job.Job, begin, membership, [.. nodes.Values], Self, run.Start, run.Until, run.Stopping,
            [.. formation.Ahead.Select(n => nodes.GetValueOrDefault(n)?.Peer).OfType<PeerId>()],
            known.Past.From(recorded)));
    }

    /// <summary>Newcomers wait for a step boundary: meanwhile they can compile what they will need if nothing comes between.</summary>
    private void TellExpected()
    {
        var members = run!.Membership.Members.Select(m => nodes.Keys.FirstOrDefault(n => n.Name == m.Offer.Node)).OfType<NodeKey>();
        var expected = Layout(run.Membership.Generation.Next, Offers(members.Concat(planned.Newcomers).Distinct()));
        foreach (var node in planned.Newcomers.Where(nodes.ContainsKey))
            nodes[node].Node.Tell(new ExpectGeneration(job.Job, expected));
    }

    private Membership Layout(Generation generation, ImmutableArray<DeviceOffer> offers) => Membership.Form(
        generation, offers, JobSchedule.Of(definition!, data!.TrainCount).Shards, new EvaluationPoints(definition!, job.Options, data).Batches.Batches);

    /// <summary>Once the seat knows that everybody has accepted, and the run that every worker is ready.</summary>
    private void BeginSteps()
    {
        if (!runs || buckets is not { } count || teller is not null)
            return;
        var roll = run!.Membership;
        log.Info("job {0} begins {1} at step {2}, since {3}: {4} shards on {5}", job.Job, roll.Generation, run.Start.Step, reason, run.Schedule.Shards,
            string.Join(", ", roll.Members.Select(m => $"{m.Worker} ({m.Shards})")));
        job.Observer.Tell(accepted ? new JobRegrouped(job.Job, roll.Generation, run.Facts, reason, roll.Processes) : new JobAccepted(job.Job, run.Facts, roll.Processes));
        (accepted, regrouping, buckets) = (true, false, null);
        TellNodes(new BeginSteps(job.Job, new Ballot(roll.Generation.Number, Ballot.Of(0, self).Candidate), count, run.Start.Step));
        Announce();
    }

    /// <summary>To the coordinator, also to one that has only just begun.</summary>
    private void Announce()
    {
        var options = job.Options;
        Context.Parent.Tell(new JobConducted(
            job.Job, job.Observer, new JobDemand(job.Job, options.Priority, options.MinDevices, options.MaxDevices),
            run is null ? [] : [.. run.Membership.Members.Select(m => m.Offer), .. run.Membership.StandBy]));
    }

    private void OnTick()
    {
        if (run is null || teller is not null)
            return;
        if (!regrouping)
            TellNodes(new StepsRecorded(job.Job, self, recorded, runs));
        if (runs && !regrouping && planned.DueAt is { } due && due <= Now)
        {
            if (planned.Newcomers.IsEmpty && planned.Leaving.IsEmpty && run.Membership.IsLaidOutAs(Layout(run.Membership.Generation, Offers(prepared))))
                planned.Settled();
            else
                Carry(run.Change());
        }

        var patience = run.HasBegun ? settings.StepTimeout : settings.PrepareTimeout;
        if (run.Overdue(time.GetUtcNow() - patience) is { } decision)
            Carry([decision]);
    }

    private void Step(StepCompleted message)
    {
        if (message.Generation == run!.Membership.Generation)
        {
            // How long a part of a step takes says nothing about who is fast.
            if (message.Step != run.Membership.Unfinished?.Step)
                pulse.On(message);
            if (message.Rank == 0)
                Measure();
        }

        Carry(run.On(message, time.GetUtcNow()));
    }

    /// <summary>Shards move to where they take less time, by what devices were busy for in the last steps.</summary>
    private void Measure()
    {
        var members = run!.Membership.Members;
        if (members.Length < 2)
            return;
        double[] busy = [.. pulse.Workers(run.Membership).Select(w => w.StepTime.TotalSeconds)];
        if (rebalancing.Measured(busy) is not { } found)
        {
            unevenSince = null;
            return;
        }

        // A hiccup moves nothing, however many short steps it lasts.
        unevenSince ??= Now;
        if (Now - unevenSince < settings.RebalanceAfter)
            return;
        unevenSince = null;
        for (int i = 0; i < members.Length; i++)
            speeds[members[i].Offer] = found[i];
        planned.Rebalance(Now);
    }
}
