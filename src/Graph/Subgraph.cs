using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>A value inside a <see cref="Subgraph"/>: a result of its node number <c>Node</c> or, where that is −1, input number <c>Index</c>.</summary>
public readonly record struct Wire(int Node, int Index);

public sealed record SubgraphNode(Op Op, Seq<Wire> Inputs);

/// <summary>
/// A graph with open inputs as plain data, for ops that hold one: equal when it is the same computation said in the same way. Nodes come
/// after what they read.
/// </summary>
public sealed record Subgraph(Seq<TensorType> Inputs, Seq<SubgraphNode> Nodes, Seq<Wire> Outputs)
{
    /// <summary>A tensor to trace with: input number <paramref name="index"/>.</summary>
    public static Tensor Input(int index, TensorType type) => Placeholder.Create($"input {index}", type, Plans.BlockKind.Transient);

    /// <summary>
    /// What leads from <paramref name="inputs"/> to <paramref name="outputs"/>. Whatever the way does not change, but reads, becomes a further
    /// input; literals stay inside.
    /// </summary>
    public static (Subgraph Body, ImmutableArray<Tensor> Captured) Cut(ImmutableArray<Tensor> inputs, ImmutableArray<Tensor> outputs)
    {
        var wires = inputs.Select((t, i) => (t, i)).ToDictionary(p => p.t, p => new Wire(-1, p.i));
        var nodes = ImmutableArray.CreateBuilder<SubgraphNode>();
        var captured = ImmutableArray.CreateBuilder<Tensor>();
        foreach (var node in Traversal.From(outputs))
        {
            if (!node.Outputs.Any(wires.ContainsKey) && node.Inputs.Any(i => wires.TryGetValue(i, out var wire) && !IsCaptured(wire)))
                Add(node);
        }

        Seq<Wire> results = [.. outputs.Select(Reach)];
        return (new Subgraph([.. inputs.Concat(captured).Select(t => t.Type)], new(nodes.ToImmutable()), results), captured.ToImmutable());

        bool IsCaptured(Wire wire) => wire.Node < 0 ? wire.Index >= inputs.Length : nodes[wire.Node].Inputs.Count == 0;

        void Add(Node node)
        {
            Seq<Wire> reads = [.. node.Inputs.Select(Reach)];
            nodes.Add(new SubgraphNode(node.Op, reads));
            for (int i = 0; i < node.Outputs.Length; i++)
                wires[node.Outputs[i]] = new Wire(nodes.Count - 1, i);
        }

        Wire Reach(Tensor tensor)
        {
            if (wires.TryGetValue(tensor, out var wire))
                return wire;
            if (tensor.Producer.Op is Fill or Constant)
            {
                Add(tensor.Producer);
                return wires[tensor];
            }

            captured.Add(tensor);
            return wires[tensor] = new Wire(-1, inputs.Length + captured.Count - 1);
        }
    }

    /// <summary>The graph itself, on these tensors.</summary>
    public ImmutableArray<Tensor> Apply(ImmutableArray<Tensor> inputs)
    {
        var made = new ImmutableArray<Tensor>[Nodes.Count];
        for (int i = 0; i < made.Length; i++)
            made[i] = new Node(Nodes[i].Op, [.. Nodes[i].Inputs.Select(Value)]).Outputs;
        return [.. Outputs.Select(Value)];

        Tensor Value(Wire wire) => wire.Node < 0 ? inputs[wire.Index] : made[wire.Node][wire.Index];
    }

    public ImmutableArray<TensorType> OutputTypes()
    {
        var made = new ImmutableArray<TensorType>[Nodes.Count];
        for (int i = 0; i < made.Length; i++)
            made[i] = Nodes[i].Op.Infer([.. Nodes[i].Inputs.Select(Type)]);
        return [.. Outputs.Select(Type)];

        TensorType Type(Wire wire) => wire.Node < 0 ? Inputs[wire.Index] : made[wire.Node][wire.Index];
    }
}
