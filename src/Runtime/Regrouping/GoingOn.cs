using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// Who may go on with a job: those who agree, if they hold a majority of the previous generation's ranks, nodes that are proved dead not
/// counted; or exactly half of these ranks with the lowest among them. Silence proves nothing: the silent stay in the count. Two sets
/// of living nodes that have nobody in common can never both go on, whichever deaths either has heard of.
/// </summary>
public static class GoingOn
{
    /// <param name="ranks">The node of each rank of the previous generation.</param>
    /// <param name="agreeing">Nodes that have promised the ballot; others than the ranks' have no vote.</param>
    /// <param name="dead">Nodes proved dead, or that said goodbye.</param>
    public static GoingOnVerdict Decide(ImmutableArray<NodeKey> ranks, IReadOnlySet<NodeKey> agreeing, IReadOnlySet<NodeKey> dead)
    {
        int counted = 0, agreed = 0;
        bool hasLowest = false;
        var missed = ImmutableArray.CreateBuilder<NodeKey>();
        var seen = new HashSet<NodeKey>();
        foreach (var node in ranks)
        {
            if (dead.Contains(node))
                continue;
            bool agrees = agreeing.Contains(node);
            hasLowest |= counted == 0 && agrees;
            counted++;
            if (agrees)
                agreed++;
            else if (seen.Add(node))
                missed.Add(node);
        }

        bool may = 2 * agreed > counted || (counted > 0 && 2 * agreed == counted && hasLowest);
        return new GoingOnVerdict(may, agreed, counted, missed.ToImmutable());
    }
}

/// <param name="MayGoOn">With those who agree.</param>
/// <param name="Agreed">Ranks of those who agree.</param>
/// <param name="Counted">Ranks of those not proved dead.</param>
/// <param name="Missed">Nodes that neither agree nor are proved dead, by their ranks.</param>
public readonly record struct GoingOnVerdict(bool MayGoOn, int Agreed, int Counted, ImmutableArray<NodeKey> Missed);
