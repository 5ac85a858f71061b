using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Passes;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// A section that is not lowered yet: its kernels before and after, its optimised graph with the destinations of its outputs, and where the
/// placeholders of that graph lay when it was added.
/// </summary>
internal sealed class SectionDraft
{
    private readonly ImmutableArray<Kernel> before, after;
    private readonly ImmutableArray<Operand> destinations;
    private readonly ImmutableArray<Node> order;
    private readonly ImmutableArray<Tensor> outputs;
    private readonly Dictionary<Placeholder, Operand> placeholders = [];

    public SectionDraft(string name, IEnumerable<Kernel> before, IReadOnlyList<(Tensor Tensor, Operand Destination)> outputs, IEnumerable<Kernel> after,
        Func<Placeholder, Operand> placeholder)
    {
        (Name, this.before, this.after, destinations) = (name, [.. before], [.. after], [.. outputs.Select(o => o.Destination)]);
        this.outputs = Optimiser.Run([.. outputs.Select(o => o.Tensor)]);
        order = PackRounded.Late(Traversal.From(this.outputs));
        foreach (var known in order.Select(n => n.Op).OfType<Placeholder>())
            placeholders[known] = placeholder(known);
    }

    public string Name { get; }

    public bool IsStrict { get; init; }

    /// <summary>
    /// Whether what it reads from outside stays as it is while it runs. Where a section overwrites what it reads, nothing may be read later
    /// than it is.
    /// </summary>
    public bool MayReadAgain => !placeholders.Values.Select(p => p.Block).Intersect(destinations.Select(d => d.Block)).Any();

    /// <summary>Its steps as they come by themselves.</summary>
    public Course Course() => Recompute.Course.Of(order, outputs);

    /// <summary>Its kernels in the order of a course.</summary>
    public IReadOnlyList<(string Name, Kernel Kernel)> Lower(Course course, PlanDraft plan)
    {
        var lowerer = new Lowerer(plan, placeholders) { IsStrict = IsStrict };
        foreach (var kernel in before)
            lowerer.Emit(KernelName(kernel), kernel);
        var (nodes, results) = course.Nodes();
        lowerer.Run(nodes, [.. results.Select((r, i) => (r, destinations[i]))]);
        foreach (var kernel in after)
            lowerer.Emit(KernelName(kernel), kernel);
        return lowerer.Operations;
    }

    private static string KernelName(Kernel kernel) => kernel switch
    {
        UploadKernel => "Upload",
        DownloadKernel => "Download",
        ExchangeKernel exchange => $"Exchange bucket {exchange.Bucket}",
        _ => kernel.GetType().Name,
    };
}
