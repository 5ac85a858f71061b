using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Lowering;

/// <summary>Collects the blocks and sections of a plan, then decides what is computed when and where every block lies.</summary>
public sealed class PlanBuilder
{
    private readonly List<BlockDraft> blocks = [];
    private readonly Dictionary<string, Operand> named = [];
    private readonly List<SectionDraft> sections = [];

    /// <summary>Only algorithms whose rounding is that of the sums in the definition: no <see cref="Winograd"/>.</summary>
    public bool IsStrict { get; init; }

    /// <summary>A block that outlives sections, known by its name.</summary>
    public Operand Declare(string name, BlockKind kind, TensorType type)
    {
        if (named.TryGetValue(name, out var known))
            return known;
        blocks.Add(new BlockDraft(blocks.Count, name, kind, type.Bytes));
        return named[name] = Operand.Contiguous(blocks.Count - 1, type);
    }

    internal Operand Placeholder(Placeholder placeholder) => named.TryGetValue(placeholder.Label, out var operand)
        ? operand : Declare(placeholder.Label, placeholder.Kind, placeholder.Type);

    /// <summary>Lets a placeholder of that name read a part of a declared block, in sections that are added from now on.</summary>
    public void View(string name, Operand operand) => named[name] = operand;

    /// <summary>
    /// Adds a section: host buffers in, the outputs into their destinations, then whatever kernels come last (exchanges, host buffers out).
    /// </summary>
    public void AddSection(string name, IEnumerable<Kernel> before, IReadOnlyList<(Tensor Tensor, Operand Destination)> outputs, IEnumerable<Kernel> after) =>
        sections.Add(new SectionDraft(name, before, outputs, after, Placeholder) { IsStrict = IsStrict });

    /// <summary>The plan, with what is cheap to compute again computed again where that takes less memory.</summary>
    public Plan Build() => Build(MemoryGoal.Cheap);

    /// <summary>The plan in as little memory as the goal asks for. May be called again with another goal.</summary>
    public Plan Build(MemoryGoal goal)
    {
        long lasting = blocks.Sum(b => MemoryPlanner.Align(b.Bytes));
        var courses = goal.Settle([.. sections.Select(s => (s.Course(), s.MayReadAgain))], lasting);
        return new PlanDraft(blocks, IsStrict).Build([.. sections.Zip(courses)]);
    }
}
