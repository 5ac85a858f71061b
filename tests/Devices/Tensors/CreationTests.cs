using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class CreationTests
{
    [Fact]
    public void Numbers_of_every_type_come_back_as_they_were()
    {
        Assert.Equal([1.5f, -2], Tensor.From([1.5f, -2]).ToArray<float>());
        Assert.Equal([1.5, double.NaN], Tensor.From([1.5, double.NaN]).ToArray<double>());
        Assert.Equal([int.MinValue, 7], Tensor.From([int.MinValue, 7]).ToArray<int>());
        Assert.Equal([long.MaxValue, -1L], Tensor.From([long.MaxValue, -1L]).ToArray<long>());
        Assert.Equal([(byte)0, (byte)255], Tensor.From([(byte)0, (byte)255]).ToArray<byte>());
        Assert.Equal([true, false], Tensor.From([true, false]).ToArray<bool>());
        Assert.Equal(3.25f, Tensor.From(3.25f).ToScalar<float>());
        Assert.Equal(Shape.Scalar, Tensor.From(3).Shape);
    }

    [Fact]
    public void Arrays_of_any_rank_keep_their_shape_and_order()
    {
        Assert.Equal((Shape.Of(2, 3), DType.Float32), Of(Tensor.From(new[,] { { 1f, 2, 3 }, { 4, 5, 6 } })));
        Assert.Equal([1f, 2, 3, 4, 5, 6], Tensor.From(new[,] { { 1f, 2, 3 }, { 4, 5, 6 } }).ToArray<float>());
        Assert.Equal(Shape.Of(1, 2, 2), Tensor.From(new[,,] { { { 1L, 2 }, { 3, 4 } } }).Shape);
        Assert.Equal(Shape.Of(0, 3), Tensor.From(new double[0, 3]).Shape);
        Assert.Equal([true, false], Tensor.From(new[,] { { true }, { false } }).ToArray<bool>());
    }

    [Fact]
    public void Arrays_of_arrays_are_tensors_where_their_rows_are_equally_long()
    {
        var rows = Tensor.From(new int[][] { [1, 2, 3], [4, 5, 6] });
        Assert.Equal((Shape.Of(2, 3), DType.Int32), Of(rows));
        Assert.Equal([1, 2, 3, 4, 5, 6], rows.ToArray<int>());
        Assert.Equal([1, 2, 3, 4], Tensor.From(new double[][][] { [[1, 2], [3, 4]] }).ToArray<double>());
        Assert.Equal(Shape.Of(0, 0), Tensor.From(Array.Empty<float[]>()).Shape);
        Refused("row [1] has 2 elements and the first of its kind 3: a tensor's rows are equally long", () => Tensor.From(new int[][] { [1, 2, 3], [4, 5] }));
        Refused("row [0] [1] has 0 elements", () => Tensor.From(new int[][][] { [[1], []] }));
    }

    [Fact]
    public void What_is_changed_afterwards_does_not_reach_the_tensor()
    {
        float[] values = [1, 2];
        float[,] matrix = { { 1, 2 } };
        var (a, b, c) = (Tensor.From(values), Tensor.From(matrix), Tensor.From<float>(Shape.Of(2), values.AsMemory()));
        values[0] = matrix[0, 0] = 9;
        Assert.All([a, b, c], t => Assert.Equal(1, t.ToArray<float>()[0]));
        float[] result = a.ToArray<float>();
        result[1] = 9;
        Assert.Equal([1, 2], a.ToArray<float>());
    }

    [Fact]
    public void Pieces_of_memory_follow_one_another()
    {
        int[] first = [1, 2, 3], second = [4], third = [5, 6];
        var x = Tensor.Wrap<int>(Shape.Of(3, 2), first, Array.Empty<int>(), second, third);
        Assert.Equal([1, 2, 3, 4, 5, 6], x.ToArray<int>());
        Span<int> part = stackalloc int[3];
        x.CopyTo(part, 2);
        Assert.Equal([3, 4, 5], part);
        Assert.Equal([9, 12], x.Sum(0).ToArray<int>());
    }

    [Fact]
    public void Wrong_counts_and_types_are_refused()
    {
        Refused("5 values do not fill a tensor of shape [2, 3]", () => Tensor.From(new float[5], Shape.Of(2, 3)));
        Refused("3 values do not fill a tensor of shape [2]", () => Tensor.Wrap(new double[3], Shape.Of(2)));
        Refused("float, double, int, long, byte or bool, not Int16", () => Tensor.From(new short[] { 1 }));
        Refused("float, double, int, long, byte or bool, not Decimal", () => Tensor.From((Array)new decimal[] { 1 }));
        Refused("0.5 is no int32: convert the tensor first", () => Tensor.Arange(3) + 0.5);
        Refused("300 is no uint8", () => Tensor.Full(Shape.Of(1), 300, DType.UInt8));
        Refused("float32[2] is read as float32 and not as Double: convert it first", () => Tensor.From([1f, 2]).ToArray<double>());
        Refused("float32[2] has 2 elements and is no scalar", () => Tensor.From([1f, 2]).ToScalar<float>());
        Refused("3 elements from number 1 of float32[2]", () => Tensor.From([1f, 2]).CopyTo(new float[3].AsSpan(), 1));
    }

    [Fact]
    public void Counting_spacing_and_filling()
    {
        Assert.Equal([0, 1, 2], Tensor.Arange(3).ToArray<int>());
        Assert.Equal([2L, 4], Tensor.Arange(2L, 6, 2).ToArray<long>());
        Assert.Equal([1f, 0.75f, 0.5f], Tensor.Arange(1f, 0.4f, -0.25f).ToArray<float>());
        Assert.Equal([], Tensor.Arange(3, 3).ToArray<int>());
        Assert.Equal([0, 0.25f, 0.5f, 0.75f, 1], Tensor.LinSpace(0, 1, 5).ToArray<float>());
        Assert.Equal([1, 0, 0, 0, 1, 0], Tensor.Eye(2, 3, DType.Int32).ToArray<int>());
        Assert.Equal([true, false, false, true], Tensor.Eye(2, type: DType.Bool).ToArray<bool>());
        Assert.Equal([0, 0], Tensor.Zeros(2).ToArray<float>());
        Assert.Equal([1L, 1], Tensor.Ones(Shape.Of(2, 1), DType.Int64).ToArray<long>());
        Assert.Equal([2.5, 2.5], Tensor.Full(Shape.Of(2), 2.5, DType.Float64).ToArray<double>());
        Assert.Equal([(byte)255], Tensor.Full(Shape.Of(1), 255, DType.UInt8).ToArray<byte>());
        Refused("in steps of 0", () => Tensor.Arange(0, 3, 0));
    }

    [Fact]
    public void Random_numbers_are_a_function_of_the_seed()
    {
        var shape = Shape.Of(100, 100);
        float[] first = Tensor.RandomUniform(shape, 5, -1, 3).ToArray<float>();
        Assert.Equal(first, Tensor.RandomUniform(shape, 5, -1, 3).ToArray<float>());
        Assert.NotEqual(first, Tensor.RandomUniform(shape, 6, -1, 3).ToArray<float>());
        Assert.NotEqual(first, Tensor.RandomUniform(shape, 5 + (1UL << 32), -1, 3).ToArray<float>());
        Assert.All(first, x => Assert.InRange(x, -1, 2.9999999f));
        Assert.InRange(first.Average(), 0.95, 1.05);
        double[] doubles = Tensor.RandomUniform(shape, 5, type: DType.Float64).ToArray<double>();
        Assert.Contains(doubles, x => x != (float)x);
        Assert.InRange(doubles.Average(), 0.49, 0.51);
        double[] normal = Tensor.RandomNormal(shape, 5, 2, 3, DType.Float64).ToArray<double>();
        double mean = normal.Average(), deviation = Math.Sqrt(normal.Average(x => (x - mean) * (x - mean)));
        Assert.InRange(mean, 1.9, 2.1);
        Assert.InRange(deviation, 2.9, 3.1);
        // Of a normal distribution 68.3 % lie within one deviation.
        Assert.InRange(normal.Count(x => Math.Abs(x - 2) < 3) / 10000.0, 0.66, 0.70);
        int[] dice = Tensor.RandomIntegers(shape, 5, 1, 7).ToArray<int>();
        Assert.Equal([1, 2, 3, 4, 5, 6], dice.Distinct().Order());
        Assert.All(dice.GroupBy(d => d), g => Assert.InRange(g.Count(), 1500, 1850));
        Refused("there are no whole numbers from 3 to below 3", () => Tensor.RandomIntegers(shape, 1, 3, 3));
        Refused("random numbers between two are float32 or float64, not int32", () => Tensor.RandomUniform(shape, 1, type: DType.Int32));
    }

    private static (Shape, DType) Of(Tensor tensor) => (tensor.Shape, tensor.DType);

    private static void Refused(string sentence, Func<object> act) => Assert.Contains(sentence, Assert.ThrowsAny<GraphException>(() => act()).Message);

    private static void Refused(string sentence, Action act) => Assert.Contains(sentence, Assert.ThrowsAny<GraphException>(act).Message);
}
