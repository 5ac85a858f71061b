using System.Collections.Immutable;

namespace Singa.Actors.Graph.Plans;

/// <summary>
/// A kernel with the blocks it depends on. <c>Writes</c> also names blocks whose memory is taken over for the one written: whoever
/// still reads those must be done first.
/// </summary>
public sealed record Operation(string Name, Kernel Kernel, ImmutableArray<int> Reads, ImmutableArray<int> Writes);

/// <summary>Operations that are admitted together, in an order that is correct one after the other. <c>HostSlots[i]</c>: bytes of host buffer i.</summary>
public sealed record Section(string Name, ImmutableArray<Operation> Operations, ImmutableArray<long> HostSlots)
{
    /// <summary>Null: everything is computed once.</summary>
    public Recomputed? Recomputed { get; init; }

    /// <summary>What is computed, joined kernels link by link.</summary>
    public IEnumerable<Kernel> Kernels => Operations.SelectMany(o => o.Kernel is JoinedKernel joined ? joined.Links.Select(l => l.Kernel) : [o.Kernel]);
}

/// <summary>What a section computes again rather than keeps: steps, and what they take beside all that is computed at all.</summary>
/// <param name="BytesOnce">Largest sum of transient bytes alive at once if everything was computed once.</param>
/// <param name="Bytes">The same as it is.</param>
/// <param name="What">Which steps, and how often each is done again.</param>
public sealed record Recomputed(int Steps, double Flops, double FlopsOnce, double Traffic, double TrafficOnce, long BytesOnce, long Bytes, Seq<(string Name, int Times)> What);

/// <summary>
/// The compiled, immutable product that a device receives. Blocks are addressed by their index; <c>Constants</c> are uploaded at
/// loading. <c>LiveBytes</c> is the largest sum of blocks alive at once: what no planner can go below.
/// </summary>
public sealed record Plan(
    ImmutableArray<Block> Blocks, long ArenaBytes, long LiveBytes, ImmutableDictionary<int, ImmutableArray<byte>> Constants,
    ImmutableArray<Section> Sections)
{
    public Section this[string name] => Sections.FirstOrDefault(s => s.Name == name)
        ?? throw new KeyNotFoundException($"the plan has no section '{name}'; it has {string.Join(", ", Sections.Select(s => s.Name))}");
}
