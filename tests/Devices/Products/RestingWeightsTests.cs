using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Products;

/// <summary>Weights that no section writes are kept as kernels want them: nobody sees it, and never after somebody has written them.</summary>
public sealed class RestingWeightsTests
{
    private const int Channels = 160;

    /// <summary>One tile, four, and many; channels in whole vectors and not.</summary>
    [Theory]
    [InlineData(1, 40, 9)]
    [InlineData(2, 40, 9)]
    [InlineData(1, 48, 4)]
    [InlineData(2, 80, 7)]
    [InlineData(2, 160, 16)]
    public void What_is_kept_gives_the_same_bits_and_follows_what_is_written(int threads, int channels, int side)
    {
        foreach (var width in VectorWidths.Available)
            Check(new CpuOptions { Threads = threads, Width = width }, channels, side);
    }

    private static void Check(CpuOptions options, int channels, int side)
    {
        using var keeping = new CpuBackend(0, options);
        using var other = new CpuBackend(0, options with { KeepsWeights = false });
        using var kept = new PlanRunner(keeping, Plan(false, channels, side, 1, 3));
        using var plain = new PlanRunner(other, Plan(false, channels, side, 1, 3));
        foreach (int seed in new[] { 1, 2 })
        {
            foreach (var runner in new[] { kept, plain })
                runner.Loaded.WriteBlock(runner.Loaded.Plan.Blocks.Single(b => b.Name == "filter").Id, Random(Filter(channels), seed));
            foreach (int batch in new[] { 1, 3, 1 })
                Assert.Equal(Run(plain, batch, channels, side), Run(kept, batch, channels, side));
        }
    }

    /// <summary>Plain products: rows and columns in whole panels and not, weights either way round, k of several blocks.</summary>
    [Theory]
    [InlineData(2, 70, 130, false)]
    [InlineData(33, 64, 256, true)]
    [InlineData(8, 2100, 96, true)]
    [InlineData(8, 2100, 17, false)]
    [InlineData(1, 300, 96, false)]
    [InlineData(700, 40, 70, true)]
    public void Panels_that_are_kept_give_the_same_bits_and_follow_what_is_written(int rows, int inputs, int outputs, bool turned)
    {
        var weights = new TensorType(DType.Float32, turned ? Shape.Of(outputs, inputs) : Shape.Of(inputs, outputs));
        foreach (var options in VectorWidths.Available.Select((width, i) => new CpuOptions { Threads = 1 + i % 2, Width = width }))
        {
            using var keeping = new CpuBackend(0, options);
            using var other = new CpuBackend(0, options with { KeepsWeights = false });
            using var kept = new PlanRunner(keeping, Product(rows, inputs, outputs, turned));
            using var plain = new PlanRunner(other, Product(rows, inputs, outputs, turned));
            // A single row reads its matrix in place where vectors are wide enough.
            if (rows > 1)
                Assert.Equal(rows <= 512, kept.Loaded.PlannedBytes > plain.Loaded.PlannedBytes);
            foreach (int seed in new[] { 1, 2, 2 })
            {
                byte[][] results = [.. new[] { kept, plain }.Select(runner =>
                {
                    runner.Loaded.WriteBlock(runner.Loaded.Plan.Blocks.Single(b => b.Name == "weights").Id, Random(weights, seed));
                    var output = new byte[rows * outputs * sizeof(float)];
                    runner.Run("run", Random(new TensorType(DType.Float32, Shape.Of(rows, inputs)), 7), output);
                    return output;
                })];
                Assert.Equal(results[1], results[0]);
            }
        }
    }

    private static Plan Product(int rows, int inputs, int outputs, bool turned)
    {
        var plan = new PlanBuilder();
        var weights = Placeholder.Create("weights", new TensorType(DType.Float32, turned ? Shape.Of(outputs, inputs) : Shape.Of(inputs, outputs)), BlockKind.Variable);
        plan.Declare("weights", BlockKind.Variable, weights.Type);
        var rowsType = new TensorType(DType.Float32, Shape.Of(rows, inputs));
        var input = plan.Declare("rows", BlockKind.Input, rowsType);
        var result = Placeholder.Create("rows", rowsType, BlockKind.Input).MatMul(turned ? weights.Transpose(1, 0) : weights).Relu();
        var output = plan.Declare("result", BlockKind.Output, result.Type);
        plan.AddSection("run", [new UploadKernel(0, input)], [(result, output)], [new DownloadKernel(1, output)]);
        return plan.Build();
    }

    [Fact]
    public void Sections_share_what_is_kept_and_weights_that_are_written_or_frozen_where_others_are_trained_are_not_kept()
    {
        // What is not kept is transformed a part at a time, which takes less.
        var options = new CpuOptions { Threads = 1, SharedScratchMost = 1 };
        using var cpu = new CpuBackend(0, options);
        using var without = new CpuBackend(0, options with { KeepsWeights = false });
        using var one = new PlanRunner(cpu, Plan(false, Channels, 9, 1));
        using var both = new PlanRunner(cpu, Plan(false, Channels, 9, 1, 1));
        using var written = new PlanRunner(cpu, Plan(true, Channels, 9, 1));
        using var plain = new PlanRunner(without, Plan(true, Channels, 9, 1));
        Assert.Equal(one.Loaded.PlannedBytes, both.Loaded.PlannedBytes);
        Assert.Equal(plain.Loaded.PlannedBytes, written.Loaded.PlannedBytes);
        using var frozen = new PlanRunner(cpu, Plan(false, Channels, 9, trains: true, 1));
        using var unkept = new PlanRunner(without, Plan(false, Channels, 9, trains: true, 1));
        Assert.True(one.Loaded.PlannedBytes > unkept.Loaded.PlannedBytes);
        Assert.Equal(unkept.Loaded.PlannedBytes, frozen.Loaded.PlannedBytes);
    }

    // Steps that are no multiple of how many are transformed at once.
    private static int Inputs(int channels) => channels - 3;

    private static TensorType Filter(int channels) => new(DType.Float32, Shape.Of(channels, Inputs(channels), 3, 3));

    private static TensorType Image(int batch, int channels, int side) => new(DType.Float32, Shape.Of(batch, Inputs(channels), side, side));

    private static Plan Plan(bool update, int channels, int side, params int[] batches) => Plan(update, channels, side, false, batches);

    private static Plan Plan(bool update, int channels, int side, bool trains, params int[] batches)
    {
        var plan = new PlanBuilder();
        if (trains)
            plan.Declare("bucket 0", BlockKind.Bucket, new TensorType(DType.Float32, Shape.Of(1, 1)));
        var filter = Placeholder.Create("filter", Filter(channels), BlockKind.Variable);
        var place = plan.Declare("filter", BlockKind.Variable, filter.Type);
        foreach (var (batch, i) in batches.Select((b, i) => (b, i)))
        {
            var image = Image(batch, channels, side);
            var input = plan.Declare($"image {batch}", BlockKind.Input, image);
            var result = Convolve.Apply(Placeholder.Create($"image {batch}", image, BlockKind.Input), filter, (1, 1), (1, 1));
            var output = plan.Declare($"result {batch}", BlockKind.Output, result.Type);
            plan.AddSection($"run {batch} {i}", [new UploadKernel(0, input)], [(result, output)], [new DownloadKernel(1, output)]);
        }

        if (update)
            plan.AddSection("update", [], [(filter * 0.5, place)], []);
        return plan.Build();
    }

    private static byte[] Run(PlanRunner runner, int batch, int channels, int side)
    {
        var section = runner.Loaded.Plan.Sections.First(s => s.Name.StartsWith($"run {batch} ", StringComparison.Ordinal));
        var output = new byte[section.HostSlots[1]];
        runner.Run(section.Name, Random(Image(batch, channels, side), 7), output);
        Assert.Contains(output, b => b != 0);
        return output;
    }

    private static byte[] Random(TensorType type, int seed)
    {
        var random = new Random(seed);
        var values = new byte[type.Bytes];
        foreach (ref float value in MemoryMarshal.Cast<byte, float>(values.AsSpan()))
            value = random.NextSingle() - 0.5f;
        return values;
    }
}
