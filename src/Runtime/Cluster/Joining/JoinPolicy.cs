using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Cluster.Joining;

/// <summary>Somebody who may know the cluster.</summary>
/// <param name="Patience">How long its silence is waited for; then it is taken for gone.</param>
/// <param name="Remembered">It counts only if it is in the cluster of this name, which this node was in, or in one that followed it.</param>
internal sealed record JoinCandidate(NodeAddress Address, TimeSpan Patience, string? Remembered = null)
{
    public bool Counts(CandidateAnswer.InCluster answer) => Remembered is null || ClusterName.AreAkin(Remembered, answer.Cluster);
}

/// <summary>What is known of a candidate.</summary>
internal abstract record CandidateAnswer
{
    /// <summary>Its host says that nobody listens there.</summary>
    public sealed record Absent : CandidateAnswer;

    public sealed record InCluster(string Cluster, ImmutableArray<NodeAddress> Members) : CandidateAnswer;

    /// <summary>It looks for one as well.</summary>
    public sealed record Outside(bool MayForm) : CandidateAnswer;
}

internal abstract record JoinDecision
{
    public sealed record Join(string Cluster, ImmutableArray<NodeAddress> Through) : JoinDecision;

    /// <summary>Begin a cluster.</summary>
    public sealed record Form : JoinDecision;

    public sealed record Wait : JoinDecision;
}

/// <summary>
/// Which cluster a node joins, and when it begins one. While anybody it knows is in a cluster there is no second one: a node begins one
/// only where it may, all it knows have been asked, and those that did not answer have had their time. Where whole clusters are restarted, or lose
/// their last member, those who may may be gone: then those who were in it begin it again.
/// </summary>
internal static class JoinPolicy
{
    /// <summary>Whether those who were in a cluster may begin it again: all that they know say that they look for one too, or are not there.</summary>
    public static bool MayReturn(IReadOnlyCollection<JoinCandidate> candidates, IReadOnlyDictionary<NodeAddress, CandidateAnswer> answers) =>
        candidates.All(c => answers.GetValueOrDefault(c.Address) is CandidateAnswer.Outside or CandidateAnswer.Absent)
        && candidates.Any(c => answers[c.Address] is CandidateAnswer.Outside);

    /// <param name="mayForm">It has no seeds, or is the first of them, or <see cref="MayReturn"/>.</param>
    /// <param name="waited">Since it began to ask.</param>
    public static JoinDecision Decide(
        NodeAddress self, bool mayForm, TimeSpan waited, IReadOnlyCollection<JoinCandidate> candidates, IReadOnlyDictionary<NodeAddress, CandidateAnswer> answers)
    {
        var found = candidates.Where(c => answers.GetValueOrDefault(c.Address) is CandidateAnswer.InCluster answer && c.Counts(answer))
            .Select(c => (CandidateAnswer.InCluster)answers[c.Address])
            .Where(a => a.Members.Any(m => m != self))
            .OrderByDescending(a => a.Members.Length).ThenBy(a => a.Members.Min())
            .FirstOrDefault();
        if (found is not null)
            return new JoinDecision.Join(found.Cluster, found.Members.Remove(self));
        if (!mayForm)
            return new JoinDecision.Wait();
        foreach (var candidate in candidates)
        {
            switch (answers.GetValueOrDefault(candidate.Address))
            {
                // Of two that both may, one begins and the other finds it.
                case CandidateAnswer.Outside { MayForm: true } when candidate.Address.CompareTo(self) < 0:
                case null when waited < candidate.Patience:
                    return new JoinDecision.Wait();
            }
        }

        return new JoinDecision.Form();
    }

    /// <summary>
    /// Whether the members of <paramref name="own"/> are to give it up for <paramref name="other"/>, which somebody they know is in: of two clusters that meet
    /// the larger stays, of equal ones that with the least address.
    /// </summary>
    public static bool GivesWay(CandidateAnswer.InCluster own, CandidateAnswer.InCluster other)
    {
        if (own.Cluster == other.Cluster || other.Members.IsEmpty)
            return false;
        return own.Members.Length != other.Members.Length ? own.Members.Length < other.Members.Length : own.Members.Min().CompareTo(other.Members.Min()) > 0;
    }
}
