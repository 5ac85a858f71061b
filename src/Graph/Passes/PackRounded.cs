using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// What is <see cref="Rounded"/> lies in memory as BFloat16, and so do views of it. The op before it packs where it is pointwise or a product;
/// who reads it point by point widens as it reads, products unpack what they read for themselves; for others it is unpacked just before
/// (<see cref="Late"/>), for each of them anew.
/// </summary>
internal static class PackRounded
{
    private static readonly ScalarProgram Packing = Conversion(DType.Float32, DType.BFloat16);

    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs)
    {
        var order = Traversal.From(outputs);
        if (!order.Any(n => n.Op is Rounded))
            return outputs;
        var uses = order.SelectMany(n => n.Inputs).Concat(outputs).GroupBy(t => t).ToDictionary(g => g.Key, g => g.Count());
        var built = new Dictionary<Tensor, Tensor>();
        var packed = new Dictionary<Tensor, Tensor>();
        foreach (var node in order)
        {
            if (node.Op is Rounded)
                packed[node.Output] = packed.TryGetValue(node.Inputs[0], out var already) ? already : Packed(node.Inputs[0]);
            else if (node.Op is Pointwise { Body: var only } && only == Packing && built.ContainsKey(node.Inputs[0]))
                built[node.Output] = Packed(node.Inputs[0]);
            else if (node.Op.IsView && packed.ContainsKey(node.Inputs[0]))
                Keep(packed, node, node.Op, [.. node.Inputs.Select(InMemory)]);
            else if (node.Op.IsView)
                Keep(built, node, node.Op, [built[node.Inputs[0]], .. node.Inputs[1..].Select(InMemory)]);
            else if ((node.Op is Maps maps ? (maps.Body, 0) : Bodies.Of(node.Op)) is var (body, first))
                Keep(built, node, Bodies.With(node.Op, Widening(body, node, first)), [.. node.Inputs[..first].Select(Factor(node)), .. node.Inputs[first..].Select(InMemory)]);
            else
                Keep(built, node, node.Op, [.. node.Inputs.Select(Factor(node))]);
        }

        return [.. outputs.Select(Plain)];

        Func<Tensor, Tensor> Factor(Node node) => TakesHalves(node) ? InMemory : Plain;

        Tensor InMemory(Tensor old) => packed.GetValueOrDefault(old) ?? built[old];

        Tensor Plain(Tensor old) => packed.TryGetValue(old, out var half) ? Unpacked(half) : built[old];

        // A reshape of what nobody else reads is one of what is packed.
        Tensor Packed(Tensor old) => uses[old] == 1 && old.Producer is { Op: Reshape view, Inputs: [var whole] } && built.ContainsKey(whole)
            ? new Node(view, [Packed(whole)], old.Producer.Scope).Output : PackRounded.Packed(built[old], uses[old] == 1);

        // Its own argument before those that it reads may be there or not: they count from the body's end.
        ScalarProgram Widening(ScalarProgram body, Node node, int first)
        {
            int own = body.Arguments.Length - (node.Inputs.Length - first);
            if (!node.Inputs[first..].Any(packed.ContainsKey))
                return body;
            ImmutableArray<DType> types = [.. body.Arguments[..own], .. node.Inputs[first..].Select(i => InMemory(i).DType)];
            return ScalarBody.Compile(types, ScalarBody.Inline(body, [.. types.Select((type, i) => Fn.Convert(Scalar.Argument(i, type), body.Arguments[i]))]).AsSpan());
        }
    }

    /// <summary>What is unpacked for one reader stands right before it.</summary>
    public static ImmutableArray<Node> Late(ImmutableArray<Node> order)
    {
        var readers = order.SelectMany(n => n.Inputs.Select(i => i.Producer).Distinct()).GroupBy(n => n).ToDictionary(g => g.Key, g => g.Count());
        bool IsForOne(Node node) => IsUnpacking(node) && readers.GetValueOrDefault(node) == 1;
        var late = ImmutableArray.CreateBuilder<Node>(order.Length);
        foreach (var node in order.Where(n => !IsForOne(n)))
        {
            late.AddRange(node.Inputs.Select(i => i.Producer).Distinct().Where(IsForOne));
            late.Add(node);
        }

        return late.ToImmutable();
    }

    private static void Keep(Dictionary<Tensor, Tensor> into, Node old, Op op, ImmutableArray<Tensor> inputs)
    {
        var node = op == old.Op && inputs.SequenceEqual(old.Inputs) ? old : new Node(op, inputs, old.Scope);
        for (int i = 0; i < node.Outputs.Length; i++)
            into[old.Outputs[i]] = node.Outputs[i];
    }

    private static Tensor Packed(Tensor value, bool alone)
    {
        var maker = value.Producer;
        if (!alone || !(maker.Op is Pointwise || TakesHalves(maker)))
            return new Node(new Pointwise("Pack", Packing), [value], maker.Scope).Output;
        var body = Bodies.Of(maker.Op)?.Body ?? ScalarBody.Compile([DType.Float32], Scalar.Argument(0, DType.Float32));
        var packing = ScalarBody.Compile(body.Arguments, Fn.Convert(ScalarBody.Inline(body, Arguments(body))[0], DType.BFloat16));
        return new Node(Bodies.With(maker.Op, packing), maker.Inputs, maker.Scope).Output;
    }

    /// <summary>Whether its kernels unpack what they read and pack what they make, some rows at a time (<see cref="Lowering.HalfProduct"/>).</summary>
    private static bool TakesHalves(Node node) => node.Op is Contract or Convolve { Form: not ConvolveForm.FilterGradient } or Convolve { OverShards: true }
        // What has an axis of shards besides is not cut with the rows.
        && node.Inputs[2..].All(i => i.Shape.Rank <= node.Output.Shape.Rank);

    // A node of its own for each reader: nothing is held from the first to the last.
    private static Tensor Unpacked(Tensor half) => new Node(new Pointwise("Unpack", Conversion(DType.BFloat16, DType.Float32)), [half], half.Producer.Scope).Output;

    private static bool IsUnpacking(Node node) => node.Op is Pointwise { Body.Instructions: [{ Op: ScalarOp.Argument, Type: DType.BFloat16 }, { Op: ScalarOp.Convert }] };

    private static ScalarProgram Conversion(DType from, DType to) => ScalarBody.Compile([from], Fn.Convert(Scalar.Argument(0, from), to));

    private static Scalar[] Arguments(ScalarProgram body) => [.. body.Arguments.Select((type, i) => Scalar.Argument(i, type))];
}
