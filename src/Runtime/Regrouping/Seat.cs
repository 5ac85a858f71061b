using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// A job's seat on one node: what the node has promised, which generation it lives in, and when it is to ask for a ballot itself.
/// <code>
/// Hold ─► promised: rounds are broken, workers come to rest ─► Begin ─► accepted, then ready ─► Begun: lives in it
/// </code>
/// A generation begins when all who agreed and all its members have accepted it, so one whose beginning was not heard of here may have begun
/// (<see cref="Pending"/>). Nothing of this is kept on disk: a restarted process is another node.
/// </summary>
/// <param name="founding">What the job began with: <see cref="Roll.Founding"/>.</param>
public sealed class Seat(NodeKey self, Roll founding, RegroupingTimes times)
{
    private readonly HashSet<NodeKey> dead = [];
    private NodeKey awaited = founding.Conductor;
    private TimeSpan heard, asked;
    private TimeSpan? trouble;
    private long seen = founding.Ballot.Number;

    public NodeKey Self => self;

    public Ballot Promised { get; private set; } = founding.Ballot;

    /// <summary>The last generation that has begun, as far as is known here; this node may have no part in it.</summary>
    public Roll Present { get; private set; } = founding;

    /// <summary>Later ones, accepted here, that may have begun.</summary>
    public ImmutableArray<Roll> Pending { get; private set; } = [];

    /// <summary>The latest generation that was accepted here.</summary>
    public Roll Latest => Pending.IsEmpty ? Present : Pending[^1];

    /// <summary>Whether a higher ballot than the present generation's is promised: that generation is over here.</summary>
    public bool IsFenced => Promised > Present.Ballot;

    /// <summary>Whether steps of the present generation may be taken here.</summary>
    public bool MayStep => !IsFenced && Present.IsMember(self);

    public IReadOnlySet<NodeKey> Dead => dead;

    /// <summary>Whether nobody is left of the last generation that is known to have begun: none of this seat's can begin after it any more.</summary>
    public bool IsBereft => Present.Ranks.All(dead.Contains);

    /// <summary>Who is expected to act: the candidate of the ballot promised last, which is the conductor once its generation has begun.</summary>
    public NodeKey Awaited => awaited;

    /// <summary>A ballot above all that have been heard of.</summary>
    public Ballot NextBallot => Ballot.Of(seen + 1, self);

    /// <summary>
    /// Whether nobody has been heard of for so long that the others may have gone on meanwhile: this node may have been stopped, or cut off. It
    /// listens before it decides anything.
    /// </summary>
    public bool IsOutOfTouch(TimeSpan now) => now - heard > times.SilenceGrace + times.HoldGrace;

    /// <summary>
    /// Null: promised. The answer is due when workers of older generations are at rest here; asked again for the same ballot it is given again, also
    /// while the generation that it is to begin gets ready.
    /// </summary>
    public Refusal? On(Hold hold, TimeSpan now)
    {
        Heed(hold.Ballot);
        bool isStale = hold.Known < Present.Ballot;
        // One that is being formed is not disturbed by somebody who has not heard of it, while its conductor is about.
        bool isDisturbing = hold.Known < Latest.Ballot && hold.Candidate != awaited && awaited == Latest.Conductor && awaited != self
            && !dead.Contains(awaited) && now - heard < times.HoldGrace;
        if (isStale || isDisturbing || hold.Ballot < Promised || !IsUnused(hold.Ballot))
            return Refuse(hold.Ballot);
        Promised = hold.Ballot;
        Await(hold.Candidate, now);
        return null;
    }

    /// <summary>The answer to the ballot that is promised.</summary>
    public Promise Answer(long? next, bool leaves = false) => new(Promised, Present, Pending, next, leaves);

    /// <summary>To a node whose promise comes after a generation has begun that it has no part in; null: it is not too late.</summary>
    public Refusal? Late(NodeKey from, Promise promise) =>
        promise.Present.Ballot < Present.Ballot && promise.Ballot <= Present.Ballot && !Present.IsMember(from) ? Refuse(promise.Ballot) : null;

    /// <summary>The node is to be ready for a generation, or to take note of it. Null: accepted.</summary>
    public Refusal? On(Begin begin, TimeSpan now)
    {
        var roll = begin.Roll;
        Heed(roll.Ballot);
        if (roll.Ballot < Promised || !IsUnused(roll.Ballot))
            return Refuse(roll.Ballot);
        // Whoever counted this node's promise knows which of the earlier ones are out of the question.
        var doubtful = roll.Ballot == Promised ? begin.Doubtful : begin.Doubtful.Concat(Pending).DistinctBy(p => p.Ballot);
        Establish(begin.Base);
        Pending = [.. doubtful.Where(p => p.Ballot > Present.Ballot && p.Ballot < roll.Ballot).OrderBy(p => p.Ballot), roll];
        Promised = roll.Ballot;
        Await(roll.Conductor, now);
        return null;
    }

    /// <summary>All have accepted a generation: it has begun.</summary>
    /// <returns>Whether steps may be taken in it here.</returns>
    public bool Begun(Ballot ballot, TimeSpan now)
    {
        if (Pending.FirstOrDefault(p => p.Ballot == ballot) is { } roll)
        {
            Establish(roll);
            if (!IsFenced)
                (trouble, heard) = (roll.Ranks.Any(dead.Contains) || dead.Contains(awaited) ? now : null, now);
        }

        return Present.Ballot == ballot && MayStep;
    }

    /// <summary>Whether something is wrong that only another generation makes good.</summary>
    public bool IsTroubled => trouble is not null;

    /// <summary>Something arrived from a node.</summary>
    public void Heard(NodeKey node, TimeSpan now)
    {
        if (node == awaited || awaited == self)
            heard = now;
    }

    /// <summary>A round failed, a worker failed, a peer was lost: the present generation cannot go on.</summary>
    public void Trouble(TimeSpan now) => trouble ??= now;

    /// <summary>A node is proved dead, or has said goodbye.</summary>
    public void ProvedDead(NodeKey node, TimeSpan now)
    {
        if (dead.Add(node) && (node == awaited || Latest.Ranks.Contains(node)))
            Trouble(now);
    }

    /// <summary>This node asked and was outbid by somebody whom it has not heard of itself.</summary>
    public void Outbid(Ballot ballot, TimeSpan now)
    {
        Heed(ballot);
        (trouble, heard, awaited) = (now, now, default);
    }

    /// <summary>A generation has begun without this node.</summary>
    /// <returns>Whether it was in an older one: it has lost its part in the job and may come as a newcomer.</returns>
    public bool Passed(Roll by)
    {
        Heed(by.Ballot);
        if (by.Ballot <= Present.Ballot || by.IsMember(self))
            return false;
        bool took = Latest.IsMember(self);
        Establish(by);
        (awaited, trouble) = (by.Conductor, null);
        return took;
    }

    /// <summary>
    /// When this node is to ask for a ballot, if nothing happens before: after trouble in its generation, or a promise on which nothing
    /// followed; the conductor first, then node after node in order of their ranks. Null: no reason to.
    /// </summary>
    public TimeSpan? StandsAt()
    {
        if (!Present.Ranks.Contains(self) && !Pending.Any(p => p.Ranks.Contains(self)) && Latest.Conductor != self)
            return null;
        // Its own ballot may have come to nothing after it was promised here.
        if (awaited == self)
            return trouble ?? (IsFenced ? asked + times.HoldGrace : null);
        if (dead.Contains(awaited))
            return trouble + Place() * times.Stagger;
        return trouble is not null || IsFenced || !Pending.IsEmpty
            ? Later(trouble, heard + times.HoldGrace) + Place() * times.Stagger
            : heard + times.ConductorPatience + Place() * times.Stagger;
    }

    /// <summary>How many nodes ask before this one.</summary>
    private int Place() =>
        Latest.Ranks.Distinct().TakeWhile(n => n != self).Count(n => n != awaited && !dead.Contains(n));

    /// <summary>A generation is known to have begun; what came before it no longer matters.</summary>
    private void Establish(Roll roll)
    {
        if (roll.Ballot <= Present.Ballot)
            return;
        Present = roll;
        Pending = Pending.RemoveAll(p => p.Ballot <= roll.Ballot);
    }

    /// <summary>Numbers name generations here, so one that this node has been ready for is used up, but for the ballot that used it.</summary>
    private bool IsUnused(Ballot ballot) =>
        ballot.Number > Present.Ballot.Number && (Pending.IsEmpty || ballot.Number > Pending[^1].Ballot.Number || ballot == Pending[^1].Ballot);

    private Refusal Refuse(Ballot ballot) => new(ballot, Promised, Present);

    private void Await(NodeKey node, TimeSpan now)
    {
        (awaited, heard, asked) = (node, now, now);
        trouble = dead.Contains(node) ? now : null;
    }

    /// <summary>A ballot was heard of; the next of this node is above it.</summary>
    public void Heed(Ballot ballot) => seen = Math.Max(seen, ballot.Number);

    private static TimeSpan Later(TimeSpan? a, TimeSpan b) => a is { } x && x > b ? x : b;
}
