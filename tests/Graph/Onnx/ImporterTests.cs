using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Graph.Tests.Onnx.Models;

namespace Singa.Actors.Graph.Tests.Onnx;

/// <summary>Graphs from models: what is folded, followed, inlined and refused. What operators compute is the suite's matter.</summary>
public sealed class ImporterTests
{
    [Fact]
    public void Shapes_that_nodes_compute_are_folded()
    {
        // [2, 3, 4] to [its first dimension, the rest].
        var graph = Nodes(["x"], ["y"], Node("s = Shape(x)"), Node("f = Slice(s, zero, one)"), Node("t = Concat(f, minus)", Int("axis", 0)), Node("y = Reshape(x, t)"));
        graph.Initializer.AddRange([Longs("zero", 0), Longs("one", 1), Longs("minus", -1)]);
        Assert.Equal(Shape.Of(2, 12), Run(Model(graph), [2, 3, 4]).Shape);
    }

    [Fact]
    public void A_branch_is_followed_where_its_condition_is_known()
    {
        var graph = Nodes(["x"], ["y"], Node("r = Size(x)"), Node("c = Greater(r, five)"),
            Node("y = If(c)", Body("then_branch", Nodes([], ["a"], Node("a = Exp(x)"))), Body("else_branch", Nodes([], ["b"], Node("b = Log(x)")))));
        graph.Initializer.Add(Long("five", 5));
        Assert.Equal("Exp", Run(Model(graph), [2, 3]).Producer.Op.Name);
        Assert.Equal("Log", Run(Model(graph), [2, 2]).Producer.Op.Name);
    }

    [Fact]
    public void A_loop_is_unrolled_with_what_surrounds_it()
    {
        var body = Nodes(["i", "c", "v"], ["d", "w", "p"], Node("d = Identity(c)"), Node("w = Mul(v, x)"), Node("p = Identity(w)"));
        var graph = Nodes(["x"], ["last", "all"], Node("last, all = Loop(three, , x)", Body("body", body)));
        graph.Initializer.Add(Long("three", 3));
        var outputs = new OnnxImporter(Model(graph)).Run(Inputs([2]));
        Assert.Equal(Shape.Of(2), ((GraphTensor)outputs[0]).Tensor.Shape);
        Assert.Equal(Shape.Of(3, 2), ((GraphTensor)outputs[1]).Tensor.Shape);
    }

    [Fact]
    public void Functions_are_inlined_with_their_callers_attributes()
    {
        var model = Model(Nodes(["x"], ["y"], Node("y = mine.Scaled(x)", Float("by", 3))));
        var reference = Float("value_float", 0);
        (reference.RefAttrName, reference.Name) = ("by", "value_float");
        reference.ClearF();
        model.Functions.Add(new FunctionProto
        {
            Name = "Scaled", Domain = "mine", Input = { "a", "unused" }, Output = { "b" }, Attribute = { "by" },
            Node = { Node("c = Constant()", reference), Node("b = Mul(a, c)") }, OpsetImport = { new OperatorSetIdProto { Version = 13 } },
        });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "mine", Version = 1 });
        var product = Run(model, [2]);
        Assert.Equal("Multiply", product.Producer.Op.Name);
        Assert.Equal([3], new HostTensor(ElementType.Float, Shape.Scalar, ((Constant)product.Producer.Inputs[1].Producer.Op).Data.Items.ToArray()) is var c ? HostNumbers.Floats(c) : []);
    }

    [Fact]
    public void All_operators_that_are_missing_are_named_at_once()
    {
        var model = Model(Nodes(["x"], ["y"], Node("a = Frobnicate(x)"), Node("b = Frobnicate(a)"), Node("y = odd.Twist(b)"),
            Node("z = If(c)", Body("then_branch", Nodes([], ["q"], Node("q = Inner(x)"))))));
        var refusal = Assert.Throws<OnnxUnsupportedException>(() => new OnnxImporter(model).Run(Inputs([2])));
        Assert.Equal("no operator Frobnicate-21 (nodes of 'a', of 'b'), Inner-21 (node of 'q'), odd.Twist-0 (node of 'y')", refusal.Message);
    }

    [Fact]
    public void Versions_of_an_operator_are_told_apart()
    {
        // Until version 13 softmax was over all axes from one on.
        NodeProto node = Node("y = Softmax(x)", Int("axis", 1));
        Assert.IsType<Reshape>(Run(Model(Nodes(["x"], ["y"], node), 12), [2, 3, 4]).Producer.Op);
        Assert.IsType<Pointwise>(Run(Model(Nodes(["x"], ["y"], node), 13), [2, 3, 4]).Producer.Op);
    }

    [Theory]
    [InlineData("y = Add(x, nothing)", "reads 'nothing', which nothing before it makes")]
    [InlineData("y = Transpose(x)", "[0, 0]")]
    [InlineData("y = Gemm(x, x)", "two matrices are needed")]
    [InlineData("x = Exp(x)", "'x' is made twice")]
    [InlineData("z = Exp(x)", "output 'y' is made by no node")]
    public void Models_that_contradict_themselves_are_refused_by_node(string node, string reason)
    {
        var attributes = node.Contains("Transpose") ? new[] { Ints("perm", 0, 0) } : [];
        var refusal = Assert.Throws<OnnxException>(() => Run(Model(Nodes(["x"], ["y"], Node(node, attributes))), [2, 3, 4]));
        Assert.Contains(reason.Replace("[0, 0]", "axes"), refusal.Message);
    }

    [Fact]
    public void A_shape_that_only_running_would_tell_is_refused()
    {
        var graph = Nodes(["x"], ["y"], Node("s = Cast(x)", Int("to", (long)ElementType.Int64)), Node("y = Reshape(x, s)"));
        Assert.Contains("only known when the model runs", Assert.Throws<OnnxUnsupportedException>(() => Run(Model(graph), [2])).Message);
    }

    [Fact]
    public void Loops_without_end_are_refused()
    {
        var body = Nodes(["i", "c", "v"], ["c2", "w"], Node("c2 = Identity(c)"), Node("w = Mul(v, v)"));
        var model = Model(Nodes(["x"], ["y"], Node("y = Loop(, , x)", Body("body", body))));
        var importer = new OnnxImporter(model, new ImportContext { NodesMax = 1000 });
        Assert.Contains("more than 1,000 nodes", Assert.Throws<OnnxTooLargeException>(() => importer.Run(Inputs([2]))).Message);
    }

    private static Dictionary<string, OnnxValue> Inputs(long[] shape) => new()
    {
        ["x"] = new GraphTensor(ElementType.Float, Placeholder.Create("x", new TensorType(DType.Float32, Shape.Of(shape)), BlockKind.Input)),
    };

    private static Tensor Run(ModelProto model, long[] shape) => Assert.IsType<GraphTensor>(new OnnxImporter(model).Run(Inputs(shape))[0]).Tensor;
}
