using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Tests;

public sealed class ScanTests
{
    private static readonly Tensor First = Input("first", Shape.Of(2)), Terms = Input("terms", Shape.Of(5, 2)), Weight = Input("weight", Shape.Of(2));

    [Fact]
    public void Equal_steps_make_equal_ops()
    {
        Assert.Equal(Op(Decaying), Op(Decaying));
        Assert.Equal(Op(Decaying).GetHashCode(), Op(Decaying).GetHashCode());
        Assert.NotEqual(Op(Decaying), Op((s, x) => ([s[0] * Weight - x[0]], [])));
        Assert.NotEqual(Op(Decaying), Scan.Apply([First], [Terms], Decaying, 0, reverse: true).Final[0].Producer.Op);
    }

    [Fact]
    public void A_step_reads_what_does_not_change_as_it_stands()
    {
        var scale = Weight * 2;
        var node = Scan.Apply([First], [Terms], (s, x) => ([s[0] * scale + x[0] * 0.5], [])).Final[0].Producer;
        Same([First, Terms, scale], node.Inputs);
        var body = ((Scan)node.Op).Body;
        // The literal stays inside, the product with it is the only op on one's own account.
        Assert.Equal(4, body.Nodes.Count);
        Assert.Equal([scale.Type], body.Inputs.Skip(2));
    }

    [Fact]
    public void Results_have_the_axis_where_the_inputs_have_theirs()
    {
        var terms = Input("terms", Shape.Of(3, 5, 2));
        var result = Scan.Apply([Input("first", Shape.Of(3, 2))], [terms], (s, x) => ([s[0] + x[0]], [x[0].Sum(0, 1), s[0].Sum(0)]), 1);
        Assert.Equal(Shape.Of(3, 2), result.Final[0].Shape);
        Assert.Equal(Shape.Of(3, 5, 2), result.States[0].Shape);
        Assert.Equal([Shape.Of(5), Shape.Of(2, 5)], result.Outputs.Select(o => o.Shape));
    }

    [Fact]
    public void What_was_stacked_comes_apart_into_the_same_tensors()
    {
        ImmutableArray<Tensor> elements = [.. Enumerable.Range(0, 4).Select(i => Input($"{i}", Shape.Of(2)))];
        var stack = TimeAxis.Stack(elements, 1);
        Assert.Equal(Shape.Of(2, 4), stack.Shape);
        Same(elements, TimeAxis.Unstack(stack, 1));
        Same([First, .. elements[..3]], TimeAxis.Unstack(TimeAxis.Before(First, stack, 1, reverse: false), 1));
        Same([.. elements[1..], First], TimeAxis.Unstack(TimeAxis.Before(First, stack, 1, reverse: true), 1));
        Same(elements[1..3], TimeAxis.Unstack(stack.Slice([0, 1], [2, 2], [1, 1]), 1));
        Same([First], TimeAxis.Unstack(TimeAxis.Before(First, TimeAxis.Stack([Weight], 0), 0, reverse: false), 0));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Refused("axis 3", () => Scan.Apply([First], [Terms], Decaying, 3));
        Refused("axis 0", () => Scan.Apply([First], [], Decaying));
        Refused("4 steps along axis 0 of [5, 2]", () => Scan.Apply([First], [Input("other", Shape.Of(4, 2)), Terms], Decaying));
        Refused("makes states float64[] of float64[2]", () => Scan.Apply([First], [Terms], (s, x) => ([x[0].Sum(0)], [])));
        Refused("makes states  of float64[2]", () => Scan.Apply([First], [Terms], (_, x) => ([], [x[0]])));
        Refused("0 steps", () => Scan.Apply([First], [Input("none", Shape.Of(0, 2))], Decaying));

        static void Refused(string part, Action build) => Assert.Contains(part, Assert.Throws<GraphException>(build).Message);
    }

    private static void Same(ImmutableArray<Tensor> expected, ImmutableArray<Tensor> got) => Assert.Equal(expected.AsEnumerable(), got);

    private static Op Op(Func<ImmutableArray<Tensor>, ImmutableArray<Tensor>, (ImmutableArray<Tensor>, ImmutableArray<Tensor>)> step) =>
        Scan.Apply([First], [Terms], step).Final[0].Producer.Op;

    private static (ImmutableArray<Tensor>, ImmutableArray<Tensor>) Decaying(ImmutableArray<Tensor> states, ImmutableArray<Tensor> inputs) => ([states[0] * Weight + inputs[0]], []);

    private static Tensor Input(string label, Shape shape) => Placeholder.Create(label, new TensorType(DType.Float64, shape), BlockKind.Input);
}
