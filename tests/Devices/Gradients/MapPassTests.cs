using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Which maps share a pass, and where they leave their results.</summary>
public sealed class MapPassTests
{
    private static readonly Tensor X = GraphRunner.Input(0, Shape.Of(4, 6)), W = GraphRunner.Input(1, Shape.Of(6, 6));

    [Fact]
    public void Maps_that_stand_together_and_read_the_same_are_one()
    {
        Assert.Single(Maps(X.Exp(), X.Cos()));
        Assert.Equal(2, Assert.Single(Maps(X.Exp(), X.Cos())).Targets.Length);
        var sum = X.Exp() + 1;
        Assert.Equal(3, Assert.Single(Maps(sum, sum.Cos(), X * 2)).Targets.Length);
        Assert.Equal(2, Maps(X.Exp(), W.Exp()).Length);
        Assert.Equal(2, Maps(X.Exp(), X.Sum(0).Exp()).Length);
    }

    [Fact]
    public void What_waits_for_a_kernel_in_between_is_not_moved_before_it()
    {
        var y = X.Exp();
        var product = y.MatMul(W);
        Assert.Equal(2, Maps(y, product + 0, Pointwise.Apply("Sin", y * 2) * product.Sum(1).Reshape(Shape.Of(4, 1))).Length);
    }

    /// <summary>Moved up, the second would be held over all that lies between, and lets go of nothing.</summary>
    [Fact]
    public void Nothing_is_computed_long_before_it_is_read()
    {
        Tensor[] outputs = [X.Exp().MatMul(W).Exp().MatMul(W), X.Cos().MatMul(W), X.Sum(0)];
        Assert.Equal(2, Maps(outputs).Length);
        Assert.All(Maps(outputs), m => Assert.Single(m.Targets));
    }

    [Fact]
    public void A_map_leaves_its_result_in_every_window_that_wants_it()
    {
        var (a, b) = (X.Exp(), Pointwise.Apply("Sin", X));
        var maps = Maps(Composites.Concat(1, a, b).MatMul(Composites.Concat(0, W, W)), Composites.Concat(0, b, a).Sum(0), a.MatMul(W));
        // Along the rows a window is as good as a place of its own; across them there is another.
        Assert.Single(maps, m => m.Targets.Length == 4);
        // What is left are the copies of the weight.
        Assert.Equal(3, maps.Length);
    }

    [Fact]
    public void A_pass_of_several_results_may_write_over_what_it_reads_last()
    {
        var y = X.MatMul(W);
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [X, W], [(y.Exp().Sum(1) * Pointwise.Apply("Sin", y).Sum(1)).Exp(), y.Exp().MatMul(W), Pointwise.Apply("Sin", y).MatMul(W)]);
        var pass = Assert.Single(runner.Plan["run"].Kernels.OfType<MapKernel>(), m => m.Targets.Length == 2);
        var product = runner.Plan.Blocks[pass.Sources[0].Block];
        Assert.Contains(pass.Targets, o => runner.Plan.Blocks[o.Block].Offset == product.Offset);
    }

    private static MapKernel[] Maps(params Tensor[] outputs)
    {
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [X, W], outputs);
        return [.. runner.Plan["run"].Kernels.OfType<MapKernel>()];
    }
}
