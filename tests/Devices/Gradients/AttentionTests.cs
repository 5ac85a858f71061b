using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Attention in blocks is what its definition says, in memory that grows with the length and not with its square.</summary>
public sealed class AttentionTests
{
    [Theory]
    [InlineData(false, 64, 64, 64)]
    [InlineData(true, 64, 64, 64)]
    [InlineData(true, 130, 130, 64)]
    [InlineData(true, 33, 90, 16)]
    [InlineData(false, 90, 33, 16)]
    public void Blocks_give_what_the_whole_gives(bool causal, int queries, int keys, int block)
    {
        Tensor[] inputs = [GraphRunner.Input(0, Shape.Of(2, queries, 3, 8)), GraphRunner.Input(1, Shape.Of(2, keys, 3, 8)), GraphRunner.Input(2, Shape.Of(2, keys, 3, 5))];
        var op = new Attention(1, 0.3, causal ? keys - queries : null, block);
        var blocks = new Node(op, [.. inputs]).Outputs[0];
        var whole = AttentionDefinition.Whole(op, [.. inputs]);
        double[][] values = [.. inputs.Select((t, i) => Differences.Draw((int)t.Shape.Count, i, -3, 3))];
        using var backend = new CpuBackend(0, new CpuOptions { Threads = 2 });
        using var one = new GraphRunner(backend, inputs, [blocks, .. Graph.Gradients.Of((blocks * blocks).SumAll(), inputs)]);
        using var other = new GraphRunner(backend, inputs, [whole, .. Graph.Gradients.Of((whole * whole).SumAll(), inputs)]);
        foreach (var (got, expected) in one.Run(values).Zip(other.Run(values)))
            Assert.All(got.Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-11 * Math.Max(1, Math.Abs(p.Second))));
    }

    /// <summary>A large score overflows nothing.</summary>
    [Fact]
    public void Large_scores_pick_their_value()
    {
        Tensor[] inputs = [GraphRunner.Input(0, Shape.Of(2, 1)), GraphRunner.Input(1, Shape.Of(3, 1)), GraphRunner.Input(2, Shape.Of(3, 1))];
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, inputs, [Attention.Apply(inputs[0], inputs[1], inputs[2])]);
        Assert.Equal([7, 5], runner.Run([1e4, -1e4], [0, 1, -1], [6, 7, 5])[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_grows_with_the_length_and_not_with_its_square(bool causal)
    {
        var (half, full) = (TransientBytes(1024, causal), TransientBytes(2048, causal));
        Assert.InRange(full / (double)half, 1, 2.3);
        // Scores of all heads in float64 would be 128 MiB.
        Assert.InRange(full, 1, 2048L * 2048 * 4 * 8 / 8);
    }

    private static long TransientBytes(int length, bool causal)
    {
        Tensor[] inputs = [.. Enumerable.Range(0, 3).Select(i => GraphRunner.Input(i, Shape.Of(length, 4, 16)))];
        var y = Attention.Apply(inputs[0], inputs[1], inputs[2], causal: causal, headAxes: 1);
        using var backend = new Null.NullBackend();
        using var runner = new GraphRunner(backend, inputs, [y, .. Graph.Gradients.Of((y * y).SumAll(), inputs)]);
        return runner.Plan.ArenaBytes - runner.Plan.Blocks.Where(b => b.Kind != BlockKind.Transient).Sum(b => MemoryPlannerAlign(b.Bytes));
    }

    private static long MemoryPlannerAlign(long bytes) => Graph.Lowering.MemoryPlanner.Align(bytes);

    /// <summary>Heads side by side in one projection, as a model has them: everything is read and written where it lies.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(130)]
    public void Heads_of_one_projection_are_never_copied(int length)
    {
        var x = GraphRunner.Input(0, Shape.Of(2, length, 24));
        var (w, p) = (GraphRunner.Input(1, Shape.Of(24, 72)), GraphRunner.Input(2, Shape.Of(24, 24)));
        var parts = x.MatMul(w).Reshape(Shape.Of(2, length, 3, 4, 6)).Split(2, 1, 1, 1).Select(t => t.Reshape(Shape.Of(2, length, 4, 6))).ToArray();
        var y = Attention.Apply(parts[0], parts[1], parts[2], causal: true, headAxes: 1).Reshape(Shape.Of(2, length, 24)).MatMul(p);
        using var runner = new GraphRunner(new ReferenceBackend(), [x, w, p], [.. Graph.Gradients.Of((y * y).SumAll(), [w, p])]);
        // The blocks of a result are still copied together where more than one of them is waited for.
        Assert.DoesNotContain(runner.Plan["run"].Operations, o => o.Name.Contains("copy") && !o.Name.EndsWith("Concat copy"));
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_its_shapes()
    {
        Tensor Of(params long[] dims) => GraphRunner.Input(0, Shape.Of(dims));
        void Refused(string part, Func<Tensor> build) => Assert.Contains(part, Assert.Throws<GraphException>(build).Message);
        Refused("[batch…, time, features], not [3] and [3]", () => Attention.Apply(Of(3), Of(3), Of(3)));
        Refused("queries [4, 3] and keys [4, 2]", () => Attention.Apply(Of(4, 3), Of(4, 2), Of(4, 2)));
        Refused("keys [4, 3] and values [5, 3]", () => Attention.Apply(Of(4, 3), Of(4, 3), Of(5, 3)));
        Refused("4 queries over 2 keys", () => Attention.Apply(Of(4, 3), Of(2, 3), Of(2, 3), causal: true));
        Refused("broadcasts to [4, 4]", () => Attention.Apply(Of(4, 3), Of(4, 3), Of(4, 3), Of(5, 4)));
    }
}
