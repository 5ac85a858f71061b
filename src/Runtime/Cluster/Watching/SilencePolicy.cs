using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Cluster.Watching;

/// <summary>
/// When members that are only silent are let go. A majority of the members goes on without them once nothing has changed for a while; of two halves
/// the one with the least address does, but only after long, because until then both may be busy. A minority waits: jobs decide for themselves who of
/// them goes on, and their seats live here.
/// </summary>
internal static class SilencePolicy
{
    /// <summary>How many times longer half of the members waits.</summary>
    private const int HalfWaits = 10;

    /// <param name="members">All that are in the cluster.</param>
    /// <param name="silent">Those of them that are not heard.</param>
    /// <param name="since">How long it has been these.</param>
    public static ImmutableArray<NodeAddress> LetGo(IReadOnlyCollection<NodeAddress> members, IReadOnlySet<NodeAddress> silent, TimeSpan since, TimeSpan stableAfter)
    {
        int heard = members.Count(m => !silent.Contains(m));
        if (heard == members.Count || since < stableAfter)
            return [];
        bool majority = 2 * heard > members.Count;
        bool half = 2 * heard == members.Count && !silent.Contains(members.Min()) && since >= HalfWaits * stableAfter;
        return majority || half ? [.. members.Where(silent.Contains).Order()] : [];
    }
}
