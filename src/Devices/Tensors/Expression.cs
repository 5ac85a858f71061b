using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tensors;

/// <summary>
/// A graph as structure and values: what is to be computed, in which every number a person wrote is an input, and the inputs. Two
/// expressions of one structure are one plan.
/// </summary>
internal sealed class Expression
{
    private readonly Func<Tensor, TensorValues?> known;
    private readonly Dictionary<Tensor, Wire> wires = [];
    private readonly HashSet<Node> entered = [];
    private readonly ImmutableArray<SubgraphNode>.Builder nodes = ImmutableArray.CreateBuilder<SubgraphNode>();
    private readonly ImmutableArray<Region>.Builder inputs = ImmutableArray.CreateBuilder<Region>();

    private Expression(Func<Tensor, TensorValues?> known) => this.known = known;

    public ImmutableArray<Region> Inputs { get; private init; }

    public Subgraph Structure { get; private init; } = null!;

    /// <param name="known">Values of tensors that need not be computed.</param>
    /// <exception cref="GraphException">Something in the graph has a value only in a job.</exception>
    public static Expression Of(IReadOnlyList<Tensor> results, Func<Tensor, TensorValues?> known)
    {
        var reading = new Expression(known);
        foreach (var result in results)
            reading.Read(result);
        return new Expression(known)
        {
            Inputs = reading.inputs.ToImmutable(),
            Structure = new Subgraph([.. reading.inputs.Select(i => i.Type)], new(reading.nodes.ToImmutable()), [.. results.Select(r => reading.wires[r])]),
        };
    }

    /// <summary>As <see cref="Traversal"/> does, but not beyond what is known.</summary>
    private void Read(Tensor result)
    {
        var path = new Stack<(Node Node, int Next)>();
        Enter(result);
        while (path.TryPop(out var top))
        {
            if (top.Next == top.Node.Inputs.Length)
            {
                Add(top.Node);
                continue;
            }

            path.Push((top.Node, top.Next + 1));
            Enter(top.Node.Inputs[top.Next]);
        }

        void Enter(Tensor tensor)
        {
            if (wires.ContainsKey(tensor))
                return;
            if (Region.Of(tensor, known) is { } region)
                wires[tensor] = Input(region);
            else if (entered.Add(tensor.Producer))
                path.Push((tensor.Producer, 0));
        }
    }

    private void Add(Node node)
    {
        if (node.Op is Placeholder placeholder)
            throw new GraphException($"'{placeholder.Label}' is a {placeholder.Kind.ToString().ToLowerInvariant()} of a job and has no value outside it");
        if (node.Op is Fill fill && !IsStructure(fill))
        {
            var scalar = Input(new Region(Scalar(fill), 0, new TensorType(fill.Type.DType, Shape.Scalar)));
            wires[node.Output] = fill.Type.Shape.Rank == 0 ? scalar : Append(new BroadcastTo(fill.Type.Shape), [scalar]);
            return;
        }

        var first = Append(node.Op, [.. node.Inputs.Select(i => wires[i])]);
        for (int i = 0; i < node.Outputs.Length; i++)
            wires.TryAdd(node.Outputs[i], first with { Index = i });
    }

    private Wire Input(Region region)
    {
        inputs.Add(region);
        return new Wire(-1, inputs.Count - 1);
    }

    private Wire Append(Op op, Seq<Wire> reads)
    {
        nodes.Add(new SubgraphNode(op, reads));
        return new Wire(nodes.Count - 1, 0);
    }

    // Zeros and ones make whole nodes disappear, in gradients above all; other numbers are as good as data.
    private static bool IsStructure(Fill fill) => fill.Type.DType == DType.Bool || fill.Type.Shape.Count == 0 || fill.Value is 1 || (fill.Value is 0 && !double.IsNegative(fill.Value));

    private static TensorValues Scalar(Fill fill) => fill.Type.DType switch
    {
        DType.Float32 => HostValues.Copy<float>([(float)fill.Value]),
        DType.Float64 => HostValues.Copy<double>([fill.Value]),
        DType.Int32 => HostValues.Copy<int>([(int)fill.Value]),
        DType.Int64 => HostValues.Copy<long>([(long)fill.Value]),
        _ => HostValues.Copy<byte>([(byte)fill.Value]),
    };
}
