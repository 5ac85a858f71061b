using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;
using static Singa.Actors.Graph.Onnx.Export.Attributes;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>
/// Operators of domain <c>singa</c>: nodes of ours that are no single standard operator. Each is a function of the model whose body says it in
/// standard ones, for whoever else reads the model; here it is known by its name and becomes the very node it was. What only training
/// needs has no body.
/// </summary>
internal static class OwnOperators
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        Own("Contract", BuildContract, WriteContract),
        Own("Gather", c => c.Moved(Gather.Apply(c.X(0), c.X(1))), (node, _) => node.Op is Gather
            ? Call("Gather", node, new FunctionDraft(["table", "indices"], ["rows"]).Node("rows = Gather(table, indices)", Int("axis", 0))) : null),
        Own("Detach", c => c.Moved(c.X().Detach()), (node, _) => node.Op is Ops.Detach
            ? Call("Detach", node, new FunctionDraft(["x"], ["y"]).Node("y = Identity(x)")) : null),
        Own("Again", c => c.Moved(Again.Apply(c.X(), c.Text("purpose"), [.. c.All.Skip(1).Select(t => t.Tensor)])), (node, _) => node.Op is Again again
            ? Call("Again", node, null).With(Text("purpose", again.Purpose)) : null),
        Own("SumPool", BuildSumPool, WriteSumPool),
        Own("Standardise", c => c.Out(new Node(new Standardise([.. c.Ints("axes")!.Select(a => (int)a)], c.Float("epsilon")), [.. c.All.Select(t => t.Tensor)]).Output), WriteStandardise),
        Own("Random", BuildRandom, WriteRandom),
        Own("Share", BuildShare, null),
        Own("Running", c => c.Out(c.X(0) * c.Float("keep") + c.X(1) * (1 - c.Float("keep"))), null),
        Own("Scan", ScanForm.Build, null),
        Own("Attention", AttentionForm.Build, AttentionForm.Write),
        Own("Spread", c => c.Moved(c.X().Pad([.. c.Ints("before")!], [.. c.Ints("after")!], [.. c.Ints("between")!])), (node, _) => node.Op is Ops.Pad pad
            ? Call("Spread", node, null).With(Ints("before", pad.Before), Ints("after", pad.After), Ints("between", pad.Between)) : null),
        Own("ScatterAdd", c => OnnxCall.Out(ScatterAdd.Apply(c.X(0), c.X(1), c.Int("rows")), c.Element(1)), (node, _) => node.Op is ScatterAdd { PerShard: false, OverShards: false } scatter
            ? Call("ScatterAdd", node, null).With(Int("rows", scatter.Rows)) : null),
        Own("Map", BuildMap, WriteMap),
    ];

    private static OnnxOperator Own(string name, Func<OnnxCall, OnnxValue> build, Writer? write) => Own(name, c => [build(c)], write);

    private static OnnxOperator Own(string name, Func<OnnxCall, ImmutableArray<OnnxValue?>> build, Writer? write) =>
        new(name, FunctionDraft.Version, build, FunctionDraft.SingaDomain) { Write = write };

    /// <summary>A call with the node's inputs.</summary>
    internal static Written Call(string name, Node node, FunctionDraft? body) =>
        new Written(name, [.. node.Inputs.Select(i => (WrittenInput)i)]) { Domain = FunctionDraft.SingaDomain, Body = body?.Function };

    /// <summary>
    /// Axes by letters, as Einstein's notation has them. Batch pairs have the first letters, then come summed pairs: so the order of both can be
    /// told, and with it every bit.
    /// </summary>
    private static Written? WriteContract(Node node, WriteContext context)
    {
        if (node.Op is not Contract { OverShards: false, Body: null } op)
            return null;
        int next = op.LeftBatch.Count + op.LeftSum.Count;
        string Letters(Tensor tensor, Seq<int> batch, Seq<int> sum) => string.Concat(Enumerable.Range(0, tensor.Shape.Rank).Select(axis =>
            Letter(batch.Contains(axis) ? batch.IndexOf(axis) : sum.Contains(axis) ? op.LeftBatch.Count + sum.IndexOf(axis) : next++)));
        string left = Letters(node.Inputs[0], op.LeftBatch, op.LeftSum), right = Letters(node.Inputs[1], op.RightBatch, op.RightSum);
        if (next > 26)
            return null;
        var summed = Enumerable.Range(op.LeftBatch.Count, op.LeftSum.Count).Select(Letter).ToHashSet();
        string result = string.Concat(Enumerable.Range(0, op.LeftBatch.Count).Select(Letter)
            .Concat((left + right).Where(l => !summed.Contains(l) && l >= Letter(op.LeftBatch.Count + op.LeftSum.Count))));
        return Call("Contract", node, new FunctionDraft(["left", "right"], ["result"], "equation").Node("result = Einsum(left, right)", Of("equation", Kind.String, "equation")))
            .With(Text("equation", $"{left},{right}->{result}"));

        static char Letter(int index) => (char)('a' + index);
    }

    private static OnnxValue BuildContract(OnnxCall c)
    {
        string equation = c.Text("equation");
        if (equation.Split(',', '>') is not [var left, var middle, var result] || middle.Split('-') is not [var right, ""]
            || left.Distinct().Count() != left.Length || right.Distinct().Count() != right.Length || c.X(0).Shape.Rank != left.Length || c.X(1).Shape.Rank != right.Length)
            throw new OnnxException($"'{equation}' is no product of {c.X(0).Shape} and {c.X(1).Shape}");
        char[] shared = [.. left.Where(right.Contains).Order()], batch = [.. shared.Where(result.Contains)], sum = [.. shared.Where(l => !result.Contains(l))];
        Seq<int> Of(string axes, char[] letters) => [.. letters.Select(l => axes.IndexOf(l))];
        return c.Out(new Node(new Contract(Of(left, batch), Of(right, batch), Of(left, sum), Of(right, sum)), [c.X(0), c.X(1)]).Output);
    }

    private static Written? WriteSumPool(Node node, WriteContext context)
    {
        if (node.Op is not SumPool { Adjoint: false } op)
            return null;
        var window = op.Window;
        var image = node.Inputs[0].Shape;
        return Call("SumPool", node, new FunctionDraft(["x"], ["y"], "kernel_shape", "strides", "pads", "area")
                .Node("mean = AveragePool(x)", Int("count_include_pad", 1), Of("kernel_shape", Kind.Ints, "kernel_shape"), Of("strides", Kind.Ints, "strides"), Of("pads", Kind.Ints, "pads"))
                .Node("n = Constant()", Of("value_int", Kind.Int, "area")).Node("m = CastLike(n, x)").Node("y = Mul(mean, m)"))
            .With(Ints("kernel_shape", window.KernelHeight, window.KernelWidth), Ints("strides", window.StrideHeight, window.StrideWidth),
                Ints("pads", window.PadTop, window.PadLeft, WindowAttributes.Behind(op.Height, window.StrideHeight, window.KernelHeight, image[2], window.PadTop),
                    WindowAttributes.Behind(op.Width, window.StrideWidth, window.KernelWidth, image[3], window.PadLeft)),
                Int("area", window.KernelHeight * (long)window.KernelWidth));
    }

    private static OnnxValue BuildSumPool(OnnxCall c)
    {
        var window = WindowAttributes.Of(c, c.X().Shape.Dims[2..], []);
        if (window.Rank != 2)
            throw new OnnxException($"there are no images in {c.X().Shape}");
        return c.Out(new Node(new SumPool(window.ToWindow2D(), false, window.Output(0, c.X().Shape[2]), window.Output(1, c.X().Shape[3])), [c.X()]).Output);
    }

    private static Written? WriteStandardise(Node node, WriteContext context)
    {
        if (node.Op is not Standardise op)
            return null;
        var draft = new FunctionDraft(node.Inputs.Length == 3 ? ["x", "mean", "variance"] : ["x", "mean", "variance", "weight", "bias"], ["y"], "axes", "epsilon")
            .Node("e = Constant()", Of("value_float", Kind.Float, "epsilon")).Node("t = CastLike(e, x)").Node("v = Add(variance, t)").Node("d = Sqrt(v)").Node("c = Sub(x, mean)");
        return Call("Standardise", node, node.Inputs.Length == 3 ? draft.Node("y = Div(c, d)") : draft.Node("s = Div(c, d)").Node("p = Mul(s, weight)").Node("y = Add(p, bias)"))
            .With(Ints("axes", op.Axes)).WithFloat("epsilon", op.Epsilon);
    }

    private static Written? WriteRandom(Node node, WriteContext context) => node.Op is RandomBits op
        ? new Written("Random", [Written.Numbers([.. op.Shape]), .. node.Inputs.Select(i => (WrittenInput)i)]) { Domain = FunctionDraft.SingaDomain }
            .With(Text("key", op.Key.ToString(CultureInfo.InvariantCulture)), Int("stream", op.Stream), Int("per_shard", op.PerShard ? 1 : 0)) : null;

    private static OnnxValue BuildRandom(OnnxCall c)
    {
        if (!ulong.TryParse(c.Text("key"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong key))
            throw new OnnxException($"'{c.Text("key")}' is no key of random numbers");
        var shape = TensorReader.ShapeOf(c.Integers(0), c.Context.Limits, () => "the result");
        return OnnxCall.Out(new Node(new RandomBits(key, checked((uint)c.Int("stream")), shape, c.Flag("per_shard")), [.. c.All.Skip(1).Select(t => t.Tensor)]).Output, ElementType.Int32);
    }

    private static OnnxValue BuildShare(OnnxCall c)
    {
        Extent Line(string name) => c.Ints(name) is [var each, var plain] ? new Extent(each, plain) : throw new OnnxException($"attribute {name} is two numbers");
        var element = c.Type("to");
        return new GraphTensor(element, Fill.Create(element.Storage(), Shape.Scalar, new Share(Line("over"), Line("under"), c.Flag("one_for_none")).At(c.Integers(0)[0])));
    }

    /// <summary>Any pointwise op: its scalar program is the function's body.</summary>
    private static Written? WriteMap(Node node, WriteContext context) => node.Op is Pointwise op
        ? (Call("Map", node, null) with { Body = ScalarForm.Write(op.Body, context.Functions) }).With(Text("label", op.Label)) : null;

    private static OnnxValue BuildMap(OnnxCall c)
    {
        ImmutableArray<Tensor> inputs = [.. c.All.Select(t => t.Tensor)];
        var result = new Node(new Pointwise(c.Text("label"), ScalarForm.Read(c.Function, [.. inputs.Select(i => i.DType)])), inputs).Output;
        return new GraphTensor(ElementTypes.Of(result.DType), result);
    }
}
