using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Tests.Lowering;

/// <summary>Which maps are launched together, and which stay apart.</summary>
public sealed class MapGroupTests
{
    private const long Bytes = 256;

    private static readonly TensorType Type = new(DType.Float32, Shape.Of(64));

    // Variables 0 to 3, buckets 4 and 5, transient 6 and 7, an input and an output.
    private static readonly BlockDraft[] Blocks =
    [
        .. Enumerable.Range(0, 10).Select(i => new BlockDraft(i, $"b{i}", i switch
        {
            < 4 => BlockKind.Variable,
            < 6 => BlockKind.Bucket,
            < 8 => BlockKind.Transient,
            8 => BlockKind.Input,
            _ => BlockKind.Output,
        }, Bytes)),
    ];

    private static readonly long[] Apart = [.. Enumerable.Range(0, 10).Select(i => i * Bytes)];

    [Fact]
    public void Updates_from_one_bucket_are_one_launch()
    {
        var (name, kernel) = Assert.Single(Join(Apart, Map("update fc.weight Add", 0, 0, 4), Map("update fc.bias Add", 1, 1, 4), Map("update norm.mean Add", 2, 2, 4)));
        Assert.Equal("update 3×Add", name);
        var group = Assert.IsType<GroupKernel>(kernel);
        Assert.Equal(["update fc.weight Add", "update fc.bias Add", "update norm.mean Add"], group.Links.Select(l => l.Name));
        Assert.Equal([0, 4, 1, 2], group.Inputs.Select(o => o.Block));
        Assert.Equal([0, 1, 2], group.Outputs.Select(o => o.Block));
    }

    [Fact]
    public void The_name_says_what_all_are_part_of()
    {
        Assert.Equal("update block1.fc 2×Add", Join(Apart, Map("update block1.fc.weight Add", 0, 4), Map("update block1.fc.bias Add", 1, 4))[0].Name);
        Assert.Equal("update 2×Add", Join(Apart, Map("update block1.fc Add", 0, 4), Map("update block12.fc Add", 1, 4))[0].Name);
        Assert.Equal("2×Fill|…", Join(Apart, Map("Fill", 0), Map("Normal", 1))[0].Name);
    }

    [Fact]
    public void Updates_from_several_buckets_wait_for_their_own()
    {
        Assert.Equal([2, 2], Sizes(Join(Apart, Map("a", 0, 4), Map("b", 1, 4), Map("c", 2, 5), Map("d", 3, 5))));
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("a", 0, 4), Map("b", 1, 4, 5))));
        Assert.Equal([2, 1], Sizes(Join(Apart, Map("a", 0, 8), Map("b", 1, 8), Map("c", 2, 8, 4))));
    }

    /// <summary>As the norm of all gradients does, which each update reads.</summary>
    [Fact]
    public void A_bucket_is_waited_for_by_way_of_others_as_well()
    {
        var norm = Map("norm", 6, 4, 5);
        Assert.Equal([1, 2], Sizes(Join(Apart, norm, Map("a", 0, 6, 4), Map("b", 1, 6, 5))));
        Assert.Equal([1, 1, 1], Sizes(Join(Apart, Map("of one", 6, 4), Map("a", 0, 6), Map("b", 1, 5))));
        Assert.Equal([1, 1, 2], Sizes(Join(Apart, Map("of one", 6, 4), Map("of that", 7, 6), Map("a", 0, 7), Map("b", 1, 4))));
    }

    [Fact]
    public void What_reads_or_writes_what_another_writes_stays_apart()
    {
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("a", 0, 8), Map("reads it", 1, 0))));
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("reads", 0, 1), Map("writes over", 1, 8))));
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("a", 0, 8), Map("again", 0, 8))));
        Assert.Equal([2], Sizes(Join(Apart, Map("a", 0, 0, 2), Map("b", 1, 1, 2))));
    }

    [Fact]
    public void Memory_that_blocks_share_keeps_them_apart()
    {
        // The second writes where the first reads.
        long[] shared = [.. Apart];
        shared[1] = shared[6] + Bytes / 2;
        Assert.Equal([2], Sizes(Join(Apart, Map("a", 0, 6), Map("b", 1, 8))));
        Assert.Equal([1, 1], Sizes(Join(shared, Map("a", 0, 6), Map("b", 1, 8))));
        // Side by side in one block.
        var (low, high) = (Part(0, 0), Part(0, 32));
        Assert.Equal([2], Sizes(Join(Apart, ("a", new MapKernel(Sum(1), [low], [low])), ("b", new MapKernel(Sum(1), [high], [high])))));
        Assert.Equal([1, 1], Sizes(Join(Apart, ("a", new MapKernel(Sum(1), [low], [low])), ("b", new MapKernel(Sum(1), [Part(0, 31)], [Part(0, 31)])))));
    }

    [Fact]
    public void Only_maps_that_write_variables_are_joined()
    {
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("a", 6, 8), Map("b", 7, 8))));
        Assert.Equal([1, 1], Sizes(Join(Apart, Map("a", 9, 8), Map("b", 0, 8))));
        var reduce = new ReduceKernel(Reduction.Sum, Sum(1), [Whole(8)], [0], Part(1, 0) with { Shape = Shape.Of(1), Strides = [1] });
        Assert.Equal([1, 1, 2], Sizes(Join(Apart, Map("a", 0, 8), ("sum", reduce), Map("b", 2, 8), Map("c", 3, 8))));
        var copy = new MapKernel(ScalarBody.Compile([DType.Float32], Scalar.Argument(0, DType.Float32)), [Whole(8)], [Whole(0)]);
        Assert.Equal([1, 1], Sizes(Join(Apart, ("copy", copy), Map("b", 1, 8))));
    }

    /// <summary>All optimizers, whatever is remembered of a gradient and however it is stored: a launch a bucket, or one where all wait for the norm of all.</summary>
    [Theory]
    [InlineData("sgd", false)]
    [InlineData("sgd", true)]
    [InlineData("adamw", false)]
    [InlineData("adamw", true)]
    [InlineData("rmsprop", false)]
    [InlineData("rmsprop", true)]
    [InlineData("adamw, norm", false)]
    [InlineData("adamw, norm", true)]
    [InlineData("adamw, both", true)]
    public void A_step_updates_everything_in_as_few_launches_as_buckets(string name, bool half)
    {
        Optimizer optimizer = name switch
        {
            "sgd" => new Sgd { Momentum = 0.9, WeightDecay = 0.01 },
            "rmsprop" => new RmsProp { Centered = true, Momentum = 0.5, ClipValue = 1 },
            "adamw" => new AdamW(),
            "adamw, norm" => new AdamW { ClipNorm = 1 },
            _ => new AdamW { ClipNorm = 1, ClipValue = 0.1 },
        };
        var job = new TrainingDefinition(
            new Sequential(new Conv2d(16, 3), new BatchNorm(), new Activation("Relu"), new Flatten(), new Linear(64), new Activation("Relu"), new Linear(10)),
            new SoftmaxCrossEntropy(), optimizer, new TensorType(DType.Float32, Shape.Of(3, 8, 8)), new TensorType(DType.Int32, Shape.Scalar), 10, 2, 1, 10)
        { BucketBytes = 4096, IsHalfStored = half };
        var all = new ShardRange(0, 2);
        var plan = TrainingCompiler.Compile(job, all, [BatchLayout.Of(4, 2, all)], [], []);
        int buckets = optimizer.ClipNorm > 0 ? 1 : plan.Buckets.Length - 1;
        Assert.True(plan.Buckets.Length > 2);
        var written = plan.Variables.Select(v => v.Block).ToHashSet();
        var updates = plan.Plan["update"].Operations.Where(o => o.Kernel.Outputs.Any(w => written.Contains(w.Block))).ToArray();
        // The last is that of running statistics.
        Assert.Equal(buckets + 1, updates.Length);
        Assert.Equal(8 + 2, updates.Sum(u => u.Kernel is GroupKernel group ? group.Links.Length : 1));
        if (optimizer.ClipNorm <= 0)
            Assert.All(updates, u => Assert.Single(u.Reads, r => plan.Plan.Blocks[r].Kind == BlockKind.Bucket));
        // Nothing as large as a parameter is kept in between.
        Assert.All(plan.Plan["update"].Operations.SelectMany(o => o.Kernel.Outputs).Where(o => !written.Contains(o.Block)), o => Assert.InRange(o.Shape.Count, 0, 2));
    }

    [Fact]
    public void It_costs_what_its_maps_cost_and_belongs_to_the_layer_that_holds_them()
    {
        var (name, kernel) = Join(Apart, Map("update block.fc.weight Add", 0, 0, 4), Map("update block.norm.bias Add", 1, 1, 4))[0];
        Assert.Equal(new KernelCost(2 * 2 * 64, 3 * Bytes, 2 * Bytes), KernelCost.Of(kernel));
        var operation = new Operation(name, kernel, [], []);
        var section = new Section("update", [operation], []);
        Assert.Equal(("block", "2×Add", Phase.Update), OperationFacts.Of(section, operation) is var f ? (f.Layer, f.Op, f.Phase) : default);
        Assert.Equal(2, section.Kernels.Count(k => k is MapKernel));
    }

    private static IReadOnlyList<(string Name, Kernel Kernel)> Join(long[] offsets, params (string, Kernel)[] operations) => MapGroups.Join(operations, Blocks, offsets);

    private static IEnumerable<int> Sizes(IEnumerable<(string Name, Kernel Kernel)> operations) => operations.Select(o => o.Kernel is GroupKernel group ? group.Links.Length : 1);

    private static (string, Kernel) Map(string name, int to, params int[] from) => (name, new MapKernel(Sum(from.Length), [.. from.Select(Whole)], [Whole(to)]));

    private static Operand Whole(int block) => Operand.Contiguous(block, Type);

    private static Operand Part(int block, long offset) => Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(32)), offset);

    private static ScalarProgram Sum(int arguments) => ScalarBody.Compile(
        [.. Enumerable.Repeat(DType.Float32, arguments)],
        Enumerable.Range(0, arguments).Select(i => Scalar.Argument(i, DType.Float32)).Append(Scalar.Literal(2, DType.Float32)).Aggregate((a, b) => a + b));
}
