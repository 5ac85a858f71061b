using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// One ballot, counted. Votes are those of the last generation that is known to have begun. A later one that somebody accepted may have begun
/// unheard: unless one who had to accept it says that he has not (and after his promise never will), it must agree as well, so
/// that whichever of the two was the last, exactly one side goes on.
/// </summary>
internal sealed class Candidacy
{
    private readonly IReadOnlySet<NodeKey> dead;
    private readonly RegroupingTimes times;
    private readonly TimeSpan begun;
    private readonly bool isListening;
    private readonly Dictionary<NodeKey, Promise> promises = [];
    private readonly Dictionary<NodeKey, TimeSpan> heard = [];
    private readonly HashSet<NodeKey> newcomers;
    private readonly HashSet<NodeKey> asked;
    private readonly HashSet<NodeKey> refused = [];

    /// <param name="seat">The candidate's own.</param>
    /// <param name="newcomers">Nodes that are ready to join.</param>
    /// <param name="isListening">The candidate was out of touch: it gives everybody time to say that the job has gone on without it.</param>
    public Candidacy(Seat seat, Ballot ballot, IEnumerable<NodeKey> newcomers, bool isListening, RegroupingTimes times, TimeSpan now)
    {
        (dead, this.isListening, this.times, begun) = (seat.Dead, isListening, times, now);
        this.newcomers = [.. newcomers];
        Hold = new Hold(ballot, seat.Self, seat.Latest.Ballot);
        Base = seat.Present;
        asked = [seat.Self, .. Concerned(Base), .. seat.Pending.SelectMany(Concerned), .. newcomers];
    }

    public Hold Hold { get; }

    /// <summary>The last generation that is known to have begun.</summary>
    public Roll Base { get; private set; }

    /// <summary>Later ones that may have begun.</summary>
    public ImmutableArray<Roll> Doubtful { get; private set; } = [];

    /// <summary>Everybody concerned who is not proved dead.</summary>
    public IEnumerable<NodeKey> Asked => asked.Where(n => !dead.Contains(n));

    public IEnumerable<NodeKey> Unanswered => Asked.Where(n => !promises.ContainsKey(n));

    public void Join(NodeKey newcomer)
    {
        newcomers.Add(newcomer);
        asked.Add(newcomer);
    }

    /// <summary>Whether a node was heard of a short while ago.</summary>
    public bool IsAbout(NodeKey node, TimeSpan now) => heard.TryGetValue(node, out var at) && now - at < times.SilenceGrace;

    /// <summary>A node is about: its workers may still be coming to rest.</summary>
    public void Heard(NodeKey node, TimeSpan now) => heard[node] = now;

    /// <summary>A node without a vote has promised somebody else; it is not waited for.</summary>
    public void Refused(NodeKey from) => refused.Add(from);

    public void On(NodeKey from, Promise promise, TimeSpan now)
    {
        heard[from] = now;
        promises[from] = promise;
        if (promise.Present.Ballot > Base.Ballot)
            Base = promise.Present;
        Doubtful =
        [
            .. promises.Values.SelectMany(p => p.Pending).Where(p => p.Ballot > Base.Ballot).DistinctBy(p => p.Ballot)
                .Where(MayHaveBegun).OrderBy(p => p.Ballot),
        ];
        foreach (var roll in Doubtful.Add(Base))
            asked.UnionWith(Concerned(roll));
    }

    /// <summary>
    /// The first generation without whose agreement nobody may go on, and how far it agrees; null: those who have promised may. Of the base somebody must
    /// be left: members of several later ones cannot know of one another, nor which of these has begun.
    /// </summary>
    public (Roll Roll, GoingOnVerdict Verdict)? Objection()
    {
        var agreeing = promises.Keys.ToHashSet();
        foreach (var roll in Doubtful.Insert(0, Base))
        {
            var verdict = GoingOn.Decide(roll.Ranks, agreeing, dead);
            if (!verdict.MayGoOn && (verdict.Counted > 0 || roll == Base))
                return (roll, verdict);
        }

        return null;
    }

    /// <summary>Whether nobody is to be waited for any longer, where the rule is kept. The candidate itself is, always.</summary>
    public bool IsComplete(TimeSpan now) =>
        promises.ContainsKey(Hold.Candidate)
        && (!isListening || now - begun >= times.SilenceGrace || !Unanswered.Any())
        && Unanswered.All(n => Base.Missing.Contains(n) || refused.Contains(n)
            || now - heard.GetValueOrDefault(n, begun) >= times.SilenceGrace || now - begun >= times.RestPatience);

    /// <param name="unfit">Nodes that cannot take part, though they may have a vote.</param>
    public Formation Form(IReadOnlySet<NodeKey> unfit)
    {
        var present = promises.Where(p => !dead.Contains(p.Key)).ToDictionary();
        var leaving = present.Where(p => p.Value.Leaves).Select(p => p.Key).ToHashSet();
        if (!MaySpare(leaving))
            leaving.Clear();
        ImmutableArray<NodeKey> taking =
        [
            .. Base.Members.Concat(present.Keys.Order()).Distinct().Where(n => present.ContainsKey(n) && !leaving.Contains(n) && !unfit.Contains(n)),
        ];
        long step = present.Values.Max(p => p.Next) ?? 0;
        // A node that leaves can still be asked for its replica.
        ImmutableArray<NodeKey> ahead = [.. present.Where(p => p.Value.Next == step).Select(p => p.Key).Order()];
        var fetches = ImmutableDictionary.CreateBuilder<NodeKey, NodeKey>();
        foreach (var node in taking.Where(n => !ahead.IsEmpty && !ahead.Contains(n)))
            fetches.Add(node, ahead[fetches.Count % ahead.Length]);
        return new Formation(Hold.Ballot, Base, Doubtful, taking, step, ahead, fetches.ToImmutable())
        {
            Witnesses = [.. present.Keys.Except(taking).Order()],
            Missing = [.. Unanswered.Except(newcomers).Order()],
        };
    }

    /// <summary>
    /// Whether the others could have gone on without those who leave. If not, the silent could when they hear of the goodbye, and there would be two
    /// sides: so whoever wants to leave stays until they are back.
    /// </summary>
    private bool MaySpare(HashSet<NodeKey> leaving)
    {
        var agreeing = promises.Keys.Except(leaving).ToHashSet();
        var gone = dead.Union(leaving).ToHashSet();
        return Doubtful.Add(Base).All(r => GoingOn.Decide(r.Ranks, agreeing, gone).MayGoOn);
    }

    /// <summary>Its conductor is the first who knows that it has begun.</summary>
    private bool MayHaveBegun(Roll roll) => roll.Acceptors.All(n =>
        !promises.TryGetValue(n, out var promise) || (n != roll.Conductor && promise.Pending.Any(p => p.Ballot == roll.Ballot)));

    /// <summary>Whether a node votes, as far as is known.</summary>
    public bool HasVote(NodeKey node) => Doubtful.Add(Base).Any(r => r.Ranks.Contains(node));

    private static IEnumerable<NodeKey> Concerned(Roll roll) => roll.Acceptors.Append(roll.Conductor).Concat(roll.Missing);
}
