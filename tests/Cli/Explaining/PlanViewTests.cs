using System.Collections.Immutable;
using Singa.Actors.Cli.Explaining;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Cli.Tests.Explaining;

/// <summary>What is read off a plan before it is drawn.</summary>
public sealed class PlanViewTests
{
    private const int Batch = 16;

    [Fact]
    public void A_step_shows_layers_forward_and_back_with_all_the_work_there_is()
    {
        var plan = LeNet();
        var view = Step(plan);
        Assert.Equal(plan.Sections.Where(s => s.Name is "gradients/0" or "exchange/0" or "update").Sum(s => s.Operations.Length), view.Operations.Length);
        var rows = LayerRow.Of(view, new Dictionary<string, long> { ["conv2"] = 25_050 }).ToDictionary(r => r.Layer);
        Assert.Equal(25_050, rows["conv2"].Parameters);
        // Twice the products going back: for the filter and for the image.
        double products = 2.0 * Batch * 50 * 8 * 8 * (20 * 5 * 5);
        Assert.InRange(rows["conv2"].ForwardCost.Flops, products, 1.05 * products);
        Assert.InRange(rows["conv2"].BackwardCost.Flops, 2 * products, 2.1 * products);
        Assert.Equal(
            view.Operations.Sum(o => o.Cost.Flops), rows.Values.Sum(r => r.ForwardCost.Flops + r.BackwardCost.Flops + r.LaterCost.Flops));
        Assert.Equal(
            Enumerable.Range(0, view.Operations.Length),
            rows.Values.SelectMany(r => r.Forward.Concat(r.Backward).Concat(r.Later)).SelectMany(s => s.Operations).Order());
        Assert.All(rows.Values.SelectMany(r => r.Later).SelectMany(s => s.Operations), i => Assert.Contains(view.Operations[i].Phase, (Phase[])[Phase.Update, Phase.Exchange]));
    }

    [Fact]
    public void Blocks_alive_at_one_time_lie_apart_but_for_those_written_in_place()
    {
        var view = Step(LeNet());
        Assert.Equal(LeNet()["gradients/0"].Recomputed?.Steps ?? 0, view.Operations.Count(o => o.Again >= 0));
        var passing = view.Blocks.Where(b => b.Kind == BlockKind.Transient).ToArray();
        Assert.Contains(passing, b => b.Kept);
        foreach (var (a, b) in passing.SelectMany((a, i) => passing.Skip(i + 1).Select(b => (a, b))))
        {
            bool apart = a.Last < b.First || b.Last < a.First || a.Offset + a.Bytes <= b.Offset || b.Offset + b.Bytes <= a.Offset;
            Assert.True(apart || a.Over == b.Id || b.Over == a.Id, $"{a.Name} and {b.Name} lie on one another");
        }
    }

    [Fact]
    public void Whoever_reads_comes_after_whoever_wrote()
    {
        var view = Step(LeNet());
        var exchange = view.Operations.First(o => o.Phase == Phase.Exchange);
        Assert.NotEmpty(exchange.After);
        for (int i = 0; i < view.Operations.Length; i++)
            Assert.All(view.Operations[i].After, d => Assert.True(d < i && view.Operations[d].Writes.Any(w => view.Operations[i].Reads.Any(r => r.Block == w.Block))));
    }

    [Fact]
    public void Only_equal_work_on_equal_values_is_computed_again()
    {
        // relu of b0; its gradient; relu of b0 again; relu of something else under the same name.
        var plan = new Plan(
            [.. Enumerable.Range(0, 6).Select(i => new Block(i, $"b{i}", i == 0 ? BlockKind.Input : BlockKind.Transient, 64, 64 * i))], 384, 384,
            ImmutableDictionary<int, ImmutableArray<byte>>.Empty,
            [new Section("gradients/0", [Map("a Relu", 0, 1), Map("a' Relu'", 1, 2), Map("a Relu", 0, 3), Map("b Exp", 3, 4), Map("a Relu", 4, 5)], [])]);
        Assert.All(PlanView.Of("", plan, plan.Sections).Operations, o => Assert.Equal(-1, o.Again));
        var view = PlanView.Of("", plan, [plan.Sections[0] with { Recomputed = new Recomputed(1, 16, 64, 64, 256, 256, 192, [("a Relu", 1)]) }]);
        Assert.Equal([-1, -1, 0, -1, -1], view.Operations.Select(o => o.Again));
        Assert.True(view.Blocks[1].Kept);
        Assert.Equal([(0, 4), (0, 1), (1, 1), (2, 3), (3, 4), (4, 4)], view.Blocks.Select(b => (b.First, b.Last)));
    }

    [Fact]
    public void A_link_of_a_chain_is_known_where_it_is_computed_again()
    {
        // exp of relu of b0 row by row; a gradient of it; relu of b0 again, by itself.
        Operation[] links = [Map("a Relu", 0, 1), Map("a Exp", 1, 2)];
        var chain = new Operation("a Relu→Exp", new ChainKernel([.. links.Select(l => new LinkedKernel(l.Name, l.Kernel))], 16, []), [0], [1, 2]);
        var plan = new Plan(
            [.. Enumerable.Range(0, 5).Select(i => new Block(i, $"b{i}", i == 0 ? BlockKind.Input : BlockKind.Transient, 64, 64 * i))], 320, 320,
            ImmutableDictionary<int, ImmutableArray<byte>>.Empty,
            [new Section("gradients/0", [chain, Map("a' Exp'", 2, 3), Map("a Relu", 0, 4)], []) { Recomputed = new Recomputed(1, 16, 64, 64, 256, 256, 192, [("a Relu", 1)]) }]);
        var view = PlanView.Of("", plan, plan.Sections);
        Assert.Equal([-1, -1, 0], view.Operations.Select(o => o.Again));
        Assert.Equal(("chain", "chain of 2 ×6", "a", "Relu→Exp"), (view.Operations[0].Kernel, view.Operations[0].Form, view.Operations[0].Layer, view.Operations[0].Op));
        Assert.Equal([0], view.Operations[0].Reads.Select(r => r.Block));
        Assert.Equal([1, 2], view.Operations[0].Writes.Select(w => w.Block));
    }

    [Fact]
    public void Updates_of_a_bucket_are_one_operation_of_what_holds_them_all()
    {
        var plan = LeNet();
        var updates = Step(plan).Operations.Where(o => o.Phase == Phase.Update).ToArray();
        // Of the dense layers, then of the convolutions.
        Assert.Equal([("group", "group of 4 ×44", ""), ("group", "group of 4 ×44", "")], updates.Select(u => (u.Kernel, u.Form, u.Layer)));
        Assert.All(updates, u => Assert.StartsWith("update 4×Multiply", u.Name));
    }

    private static Operation Map(string name, int from, int to) => new(
        name, new MapKernel(ScalarBody.Compile([DType.Float32], Fn.Max(Scalar.Argument(0, DType.Float32), 0)), [Whole(from)], [Whole(to)]), [from], [to]);

    private static Operand Whole(int block) => Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(16)));

    private static PlanView Step(Plan plan) => PlanView.Of("a step", plan, [plan["gradients/0"], plan["exchange/0"], plan["update"]]);

    private static Plan LeNet()
    {
        var job = new TrainingDefinition(
            ModelCatalog.LeNet(10), new SoftmaxCrossEntropy(), new Sgd { LearningRate = 0.01, Momentum = 0.9 }, new TensorType(DType.Float32, Shape.Of(1, 28, 28)),
            new TensorType(DType.Int32, Shape.Scalar), 10, 2, 1, 100);
        var all = new ShardRange(0, 2);
        return TrainingCompiler.Compile(job, all, [BatchLayout.Of(Batch, 2, all)], [], []).Plan;
    }
}
