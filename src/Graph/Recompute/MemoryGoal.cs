using System.Collections.Immutable;

namespace Singa.Actors.Graph.Recompute;

/// <summary>How much memory a plan may take, and what may be spent to get there. Never changes a bit.</summary>
/// <param name="ArenaBytes">Less than this is not asked for.</param>
/// <param name="Prices">Effort (<see cref="Effort.Weight"/>) that may be spent to save a byte, cheap to dear: each is tried before the next.</param>
/// <param name="Share">How much effort may be spent in all, as a share of what a section takes anyway.</param>
public sealed record MemoryGoal(long ArenaBytes, Seq<double> Prices, double Share)
{
    // A chain of pointwise ops is 10 to 60; a convolution or product of n terms about n / 2.
    private static readonly Seq<double> CheapPrices = [30, 60, 100];

    // Nobody misses so little.
    private const long SmallArena = 1 << 20;

    /// <summary>All that is nearly free: chains of pointwise ops, the shortest of products.</summary>
    public static MemoryGoal Cheap { get; } = new(SmallArena, CheapPrices, 0.06);

    /// <summary>Everything is computed once.</summary>
    public static MemoryGoal Once { get; } = new(0, [], 0);

    /// <summary>Whatever it takes.</summary>
    public static MemoryGoal Within(long arenaBytes) => new(arenaBytes, [.. CheapPrices, 300, 600, 1200, 2400, double.PositiveInfinity], double.PositiveInfinity);

    /// <summary>Brings the courses of a plan's sections down as far as it helps: no section needs less than the largest takes.</summary>
    /// <param name="lasting">Bytes of the arena that do not belong to sections.</param>
    internal ImmutableArray<Course> Settle(ImmutableArray<(Course Course, bool MayReadAgain)> sections, long lasting)
    {
        long floor = sections.Where(s => !s.MayReadAgain).Select(s => s.Course.Peak).Append(ArenaBytes - lasting).Max();
        foreach (var (course, _) in sections.Where(s => s.MayReadAgain).OrderByDescending(s => s.Course.Peak))
        {
            Recomputation.Run(course, floor, Share * course.Effort.Weight, [.. Prices]);
            floor = Math.Max(floor, course.Peak);
        }

        return [.. sections.Select(s => s.Course)];
    }
}
