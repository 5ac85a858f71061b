using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tensors;

/// <summary>Output number <c>Output</c> of step number <c>Step</c>.</summary>
internal readonly record struct Wire(int Step, int Output);

/// <summary>One op and where its inputs come from.</summary>
internal sealed record Step(Op Op, Seq<Wire> Inputs);

/// <summary>What is computed, and of what types: equal structures are one plan. Placeholders are inputs, in their order.</summary>
internal sealed class Structure(Seq<Step> steps, Seq<Wire> results) : IEquatable<Structure>
{
    public const string Section = "tensors";

    private readonly int hash = HashCode.Combine(steps, results);

    private Seq<Step> Steps => steps;

    private Seq<Wire> Results => results;

    /// <summary>The plan, and which blocks are the inputs and the results.</summary>
    public (Plan Plan, ImmutableArray<int> Inputs, ImmutableArray<int> Results) Compile()
    {
        var nodes = new Node[steps.Count];
        var plan = new PlanBuilder();
        var inputs = ImmutableArray.CreateBuilder<int>();
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new Node(steps[i].Op, [.. steps[i].Inputs.Select(At)]);
            if (steps[i].Op is Placeholder placeholder)
                inputs.Add(plan.Declare(placeholder.Label, placeholder.Kind, placeholder.Type).Block);
        }

        var targets = results.Select((wire, i) => (Tensor: At(wire), Target: plan.Declare($"result {i}", BlockKind.Output, At(wire).Type))).ToArray();
        plan.AddSection(Section, [], targets, []);
        return (plan.Build(), inputs.ToImmutable(), [.. targets.Select(t => t.Target.Block)]);

        Tensor At(Wire wire) => nodes[wire.Step].Outputs[wire.Output];
    }

    public bool Equals(Structure? other) => other is not null && hash == other.hash && steps == other.Steps && results == other.Results;

    public override bool Equals(object? obj) => Equals(obj as Structure);

    public override int GetHashCode() => hash;
}
