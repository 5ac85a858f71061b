using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

public sealed class ConcatTests
{
    [Fact]
    public void What_is_computed_for_it_is_written_straight_into_its_window()
    {
        var (a, b) = (GraphRunner.Input(0, Shape.Of(4, 3)), GraphRunner.Input(1, Shape.Of(4, 2)));
        var joined = Composites.Concat(1, a.Exp(), Composites.Concat(1, b.Exp(), b * 2));
        using var runner = new GraphRunner(new ReferenceBackend(), [a, b], [joined.MatMul(joined.Transpose(1, 0))]);
        Assert.DoesNotContain(runner.Plan["run"].Operations, o => o.Name.Contains("copy"));
    }

    [Fact]
    public void An_output_that_is_joined_from_its_own_old_value_reads_it_first()
    {
        // The queue of the last values: [new, old[..^1]] into the block of old.
        var plan = new PlanBuilder();
        var type = new TensorType(DType.Float64, Shape.Of(3));
        var queue = plan.Declare("queue", BlockKind.Variable, type);
        var old = Graph.Ops.Placeholder.Create("queue", type, BlockKind.Variable);
        plan.AddSection("push", [new UploadKernel(0, queue)], [(Composites.Concat(0, (old * 2).Slice([2], [1], [1]), old.Slice([0], [2], [1])), queue)], [new DownloadKernel(1, queue)]);
        using var runner = new PlanRunner(new ReferenceBackend(), plan.Build());
        double[] values = [1, 2, 3], result = new double[3];
        Memory<byte> into = new byte[24];
        runner.Run("push", System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray(), into);
        into.Span.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(result.AsSpan()));
        Assert.Equal([6, 1, 2], result);
    }
}
