using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Tests.Lowering;

/// <summary>Which operations become one chain of rows, and which stay apart.</summary>
public sealed class RowChainTests
{
    private static readonly Tensor X = Input("x", 6, 40), Square = Input("square", 40, 40);

    [Fact]
    public void A_softmax_and_a_layers_norm_are_one_operation_each()
    {
        Assert.Equal(["Maximum→Subtract·Exp→Sum→Divide"], Names(X.Softmax()));
        Assert.Equal(["Sum→Multiply→…→Standardise"], Names(Norm(X)));
        Assert.Equal(5, Assert.Single(Chains(X.LogSoftmax())).Links.Length);
        Assert.Single(Names(Input("deep", 2, 3, 4, 40).Softmax()));
    }

    [Fact]
    public void What_goes_back_through_them_is_one_as_well()
    {
        var chains = Chains(Gradients.Of((Norm(X) * X).SumAll(), [X])[0]);
        Assert.Contains(chains, c => c.Links.Length >= 3 && c.Links[^1].Kernel is MapKernel && c.Links.Count(l => l.Kernel is ReduceKernel) >= 2);
        Assert.NotEmpty(Chains(Gradients.Of((X.Softmax() * X).SumAll(), [X])[0]));
    }

    [Fact]
    public void Rows_are_all_leading_dimensions_whatever_their_rank()
    {
        var deep = Input("deep", 2, 3, 4, 40);
        var chain = Assert.Single(Chains(deep.Exp().Sum(-1).Exp()));
        Assert.Equal((24, 2), (chain.Rows, chain.Links.Length));
        Assert.Equal(6, Assert.Single(Chains(deep.Sum(2, 3).Exp())).Rows);
    }

    [Fact]
    public void Rows_of_another_number_stay_apart()
    {
        Assert.DoesNotContain(Chains(X.Sum(1).Exp().SumAll()), c => c.Links.Length > 2);
        Assert.Empty(Chains(X.Sum(0).Exp()));
        Assert.Empty(Chains(X.Softmax(0)));
        // One row would have to be done by one thread.
        Assert.Empty(Chains(X.SumAll().Exp()));
    }

    [Fact]
    public void What_comes_between_ends_a_chain()
    {
        var chains = Chains((X.Softmax().MatMul(Square) + X).Softmax());
        Assert.Equal(2, chains.Length);
        Assert.DoesNotContain(chains, c => c.Links.Any(l => l.Kernel is not (MapKernel or ReduceKernel)));
    }

    [Fact]
    public void A_row_that_another_row_reads_ends_a_chain()
    {
        // The sums of all rows are read by each.
        var sums = Square.Sum(1);
        Assert.DoesNotContain(Chains(Square + sums.Exp().Reshape(Shape.Of(1, 40))), c => c.Links.Length > 2);
        Assert.DoesNotContain(Chains(Square - sums), c => c.Links.Any(l => l.Kernel is MapKernel));
        // And upside down.
        var flipped = sums.Flip(0);
        Assert.DoesNotContain(Chains(Square - flipped.Reshape(Shape.Of(40, 1))), c => c.Links.Any(l => l.Kernel is MapKernel));
        Assert.Contains(Chains(Square - sums.Reshape(Shape.Of(40, 1))), c => c.Links.Any(l => l.Kernel is MapKernel));
    }

    [Fact]
    public void A_copy_is_left_to_those_who_turn_it() =>
        Assert.DoesNotContain(Chains(X.Sum(1), X.Transpose(1, 0)), c => c.Links.Any(l => l.Kernel is MapKernel));

    [Fact]
    public void Only_what_nobody_reads_afterwards_passes()
    {
        var softmax = Assert.Single(Chains(X.Softmax()));
        Assert.Equal(softmax.Links.SkipLast(1).SelectMany(l => l.Kernel.Outputs).Select(o => o.Block).Order(), softmax.Passing.Order());
        var plan = PlanOf(X.Softmax(), X.Sum(1).Exp());
        foreach (var chain in plan["run"].Operations.Select(o => o.Kernel).OfType<ChainKernel>())
            Assert.All(chain.Passing, b => Assert.Equal(BlockKind.Transient, plan.Blocks[b].Kind));
    }

    [Fact]
    public void It_costs_what_it_reads_and_leaves_and_all_that_is_computed()
    {
        var plan = PlanOf(X.Softmax());
        var (chain, links) = (plan["run"].Operations[0].Kernel, plan["run"].Kernels.ToArray());
        Assert.Equal(new KernelCost(links.Sum(l => KernelCost.Of(l).Flops), 4 * 240, 4 * 240), KernelCost.Of(chain));
        Assert.Equal("x", plan.Blocks[Assert.Single(chain.Inputs).Block].Name);
    }

    /// <summary>Blocks that share memory across rows cut a chain; where the rows are the same they do not.</summary>
    [Fact]
    public void Memory_that_rows_share_cuts_a_chain()
    {
        var (source, mean, result) = (Operand.Contiguous(0, Floats(8, 16)), Operand.Contiguous(1, Floats(8, 1)), Operand.Contiguous(2, Floats(8, 16)));
        var sum = new ReduceKernel(Reduction.Sum, Sum(1), [source], [1], mean);
        var map = new MapKernel(Sum(2), [source, mean with { Shape = Shape.Of(8, 16), Strides = [1, 0] }], [result]);
        BlockDraft[] blocks = [.. new[] { 512L, 32, 512 }.Select((bytes, i) => new BlockDraft(i, $"b{i}", BlockKind.Transient, bytes))];
        var chains = new RowChains([("norm Sum", sum), ("norm Add", map)], blocks);
        Assert.Single(chains.All);
        Assert.Equal("norm Sum→Add", Assert.Single(chains.Join([0, 512, 576])).Name);
        // In place.
        Assert.Single(chains.Join([0, 512, 0]));
        // Sums of the last rows lie where the first of the result would be written.
        Assert.False(chains.Allows([0, 512, 512]));
        Assert.Equal(["norm Sum", "norm Add"], chains.Join([0, 512, 512]).Select(o => o.Name));
    }

    /// <summary>Lives that are made longer for the sake of chains must not cost memory.</summary>
    [Fact]
    public void The_arena_is_not_larger_for_it()
    {
        var random = new System.Random(1);
        int fewer = 0;
        for (int round = 0; round < 60; round++)
        {
            int count = 0;
            var blocks = new List<BlockDraft>();
            var operations = new List<(string, Kernel)>();
            var known = new List<Operand> { New(64, BlockKind.Input) };
            for (int i = 0; i < 30; i++)
            {
                var from = known[random.Next(Math.Max(0, known.Count - 3), known.Count)];
                if (from.Shape[1] > 1 && random.Next(2) == 0)
                {
                    known.Add(New(1));
                    operations.Add(("a Sum", new ReduceKernel(Reduction.Sum, Sum(1), [from], [1], known[^1])));
                    continue;
                }

                var other = known[random.Next(known.Count)];
                long width = Math.Max(from.Shape[1], other.Shape[1]);
                known.Add(New(width));
                operations.Add(("a Add", new MapKernel(Sum(2), [Wide(from, width), Wide(other, width)], [known[^1]])));
            }

            var chains = new RowChains(operations, blocks);
            var (plain, memory) = (MemoryPlanner.Place(blocks, [operations], [new RowChains([], blocks)]), MemoryPlanner.Place(blocks, [operations], [chains]));
            Assert.Equal((plain.ArenaBytes, plain.LiveBytes), (memory.ArenaBytes, memory.LiveBytes));
            fewer += chains.Join(plain.Offsets).Count - chains.Join(memory.Offsets).Count;
            // Links of what came out keep to their rows.
            foreach (var chain in chains.Join(memory.Offsets).Select(o => o.Kernel).OfType<ChainKernel>())
            {
                foreach (var (a, b) in chain.Links.SelectMany((a, i) => chain.Links.Skip(i + 1).Select(b => (a, b))))
                    Assert.True(RowLink.KeepsRows(a.Kernel, b.Kernel, chain.Rows, block => memory.Offsets[block]));
            }

            Operand New(long width, BlockKind kind = BlockKind.Transient)
            {
                blocks.Add(new BlockDraft(count++, $"b{count}", kind, 4 * 50 * width));
                return Operand.Contiguous(count - 1, Floats(50, width));
            }
        }

        Assert.True(fewer > 0, $"{fewer} operations fewer");

        static Operand Wide(Operand operand, long width) => operand with { Shape = Shape.Of(50, width), Strides = [operand.Shape[1], operand.Shape[1] == width ? 1 : 0] };
    }

    private static Tensor Input(string name, params ReadOnlySpan<long> dims) => Placeholder.Create(name, Floats(dims), BlockKind.Input);

    private static TensorType Floats(params ReadOnlySpan<long> dims) => new(DType.Float32, Shape.Of(dims));

    private static Scalars.ScalarProgram Sum(int arguments) => Scalars.ScalarBody.Compile(
        [.. Enumerable.Repeat(DType.Float32, arguments)],
        Enumerable.Range(0, arguments).Select(i => Scalars.Scalar.Argument(i, DType.Float32)).Aggregate((a, b) => a + b) * 2);

    private static Tensor Norm(Tensor x) => new LayerNorm().Apply(x, new ModuleContext(new ModuleRequests(), DType.Float32));

    private static ChainKernel[] Chains(params Tensor[] outputs) => [.. PlanOf(outputs)["run"].Operations.Select(o => o.Kernel).OfType<ChainKernel>()];

    private static string[] Names(Tensor output) => [.. PlanOf(output)["run"].Operations.Select(o => o.Name)];

    private static Plan PlanOf(params Tensor[] outputs)
    {
        var plan = new PlanBuilder();
        plan.AddSection("run", [], [.. outputs.Select((o, i) => (o, plan.Declare($"result {i}", BlockKind.Output, o.Type)))], []);
        return plan.Build();
    }
}
