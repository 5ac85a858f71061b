using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>Variables whose new value is computed from the old one.</summary>
public sealed class OverwrittenVariableTests
{
    private const int Side = 40;

    private static readonly TensorType Type = new(DType.Float32, Shape.Of(Side, Side));

    public static TheoryData<string> Updates => ["itself", "flat", "turned", "first row", "turned twice"];

    [Theory]
    [MemberData(nameof(Updates))]
    public void The_old_value_is_read_as_it_was(string update)
    {
        var (build, expected) = Of(update);
        var plan = new PlanBuilder();
        var place = plan.Declare("w", BlockKind.Variable, Type);
        plan.AddSection("update", [], [(build(Placeholder.Create("w", Type, BlockKind.Variable)), place)], []);
        using var backend = new CpuBackend(0, new CpuOptions { Threads = 1 });
        using var runner = new PlanRunner(backend, plan.Build());
        float[] values = [.. Enumerable.Range(0, Side * Side).Select(i => (float)i)];
        runner.Loaded.WriteBlock(place.Block, MemoryMarshal.AsBytes(values.AsSpan()));
        runner.Run("update");
        runner.Loaded.ReadBlock(place.Block, MemoryMarshal.AsBytes(values.AsSpan()));
        Assert.Equal(Enumerable.Range(0, Side * Side).Select(i => expected(i / Side, i % Side)), values);
    }

    /// <summary>What reads each element where it is written needs no second place.</summary>
    [Theory]
    [InlineData("itself", 1)]
    [InlineData("turned", 2)]
    public void What_is_read_where_it_is_written_is_written_in_place(string update, int operations)
    {
        var plan = new PlanBuilder();
        plan.AddSection("update", [], [(Of(update).Build(Placeholder.Create("w", Type, BlockKind.Variable)), plan.Declare("w", BlockKind.Variable, Type))], []);
        Assert.Equal(operations, plan.Build()["update"].Operations.Length);
    }

    private static float Value(int row, int column) => row * Side + column;

    private static (Func<Tensor, Tensor> Build, Func<int, int, float> Expected) Of(string update) => update switch
    {
        "itself" => (w => w * 2, (i, j) => Value(i, j) * 2),
        "flat" => (w => (w.Reshape(Side * Side) * 2).Reshape(Side, Side), (i, j) => Value(i, j) * 2),
        "turned" => (w => w.Transpose(1, 0) * 2, (i, j) => Value(j, i) * 2),
        "first row" => (w => w - w.Slice([0, 0], [1, Side], [1, 1]), (i, j) => Value(i, j) - Value(0, j)),
        _ => (w => w.Transpose(1, 0).Transpose(1, 0) + w, (i, j) => Value(i, j) * 2),
    };
}
