using System.Runtime.InteropServices;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Tests.Onnx;

public sealed class HostEvaluatorTests
{
    private static readonly Tensor Matrix = Constant.Create<long>([1, 2, 3, 4, 5, 6], Shape.Of(2, 3));

    [Fact]
    public void Movement_is_followed() => Expect([4, 5, 6, 1, 2, 3, 9, 9, 9],
        Composites.Concat(0, Composites.Concat(0, [.. Matrix.Split(0, 1, 1).Reverse()]), Fill.Create(DType.Int64, Shape.Of(1, 3), 9)));

    [Fact]
    public void Views_of_views_are_followed() => Expect([1, 4, 3, 6],
        Matrix.Transpose(1, 0).Slice([0, 0], [2, 2], [2, 1]).Reshape(Shape.Of(4)));

    [Fact]
    public void Whole_numbers_are_exact_to_64_bits() => Expect([long.MaxValue - 1],
        Pointwise.Apply("Subtract", a => a[0] - 1, Constant.Create<long>([long.MaxValue], Shape.Scalar)));

    [Fact]
    public void Rows_are_gathered() => Expect([4, 5, 6, 1, 2, 3], Matrix.Gather(Constant.Create<int>([1, 0], Shape.Of(2))));

    [Fact]
    public void Whole_numbers_are_reduced()
    {
        Expect([6, 15], Matrix.Sum(1));
        Expect([4, 5, 6], Matrix.Max(0));
        Expect([1], Matrix.Min(0, 1));
    }

    [Fact]
    public void What_depends_on_an_input_is_not_known() =>
        Assert.Null(new HostEvaluator().Evaluate(Matrix + Placeholder.Create("x", Matrix.Type, BlockKind.Input)));

    private static void Expect(long[] expected, Tensor tensor) =>
        Assert.Equal(expected, MemoryMarshal.Cast<byte, long>(new HostEvaluator().Evaluate(tensor)).ToArray());
}
