using System.Diagnostics;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>
/// Counts and bytes beyond 2^31. What repeats one number takes no memory, so that the arithmetic is tested everywhere; tensors that lie
/// in memory only where SINGA_LONG=1 and there is room.
/// </summary>
public sealed class LargeTensorTests
{
    private const long Many = (1L << 31) + 1000;
    private const long Gibibyte = 1L << 30;

    [Fact]
    public void Shapes_and_types_count_in_64_bits()
    {
        var type = new TensorType(DType.Float64, Shape.Of(1 << 20, 1 << 20));
        Assert.Equal((1L << 40, 1L << 43), (type.Shape.Count, type.Bytes));
        Assert.Equal([1L << 40, 1L << 20, 1], Shape.Of(4, 1 << 20, 1 << 20).ContiguousStrides());
        Assert.Throws<OverflowException>(() => Shape.Of(long.MaxValue, 2));
        var x = Tensor.From(1.0).BroadcastTo(type.Shape);
        Assert.Equal(1L << 40, x.Flatten().Shape.Count);
        Assert.Equal(Shape.Of(7, 1 << 20), x[^7..].Shape);
        Assert.Equal(Shape.Of(Many - 5), Tensor.From(1.0).BroadcastTo(Shape.Of(Many))[5..].Shape);
        Assert.Equal(Shape.Of(1000), Tensor.From(1.0).BroadcastTo(Shape.Of(Many))[TensorIndex.Between(1L << 31, Many)].Shape);
        Assert.Equal(Shape.Of(3, Many), Tensor.Stack(0, [.. Enumerable.Repeat(Tensor.From(1.0).BroadcastTo(Shape.Of(Many)), 3)]).Shape);
        Assert.Contains("more than an array holds: CopyTo reads a part", Assert.Throws<GraphException>(() => x.ToArray<double>()).Message);
    }

    /// <summary>Results too large for any cache are written past it, all but what is left of a vector.</summary>
    [Fact]
    public void Results_that_no_cache_holds_are_whole()
    {
        float[] values = [.. Enumerable.Range(0, (8 << 20) + 37).Select(i => i % 1013 - 500f)];
        float[] found = (Tensor.From(values) * 1.5f + 0.25f).Relu().ToArray<float>();
        Assert.Equal(values.Length, found.Length);
        for (int i = 0; i < values.Length; i++)
            Assert.True(found[i] == MathF.Max(values[i] * 1.5f + 0.25f, 0), $"{i}: {found[i]} of {values[i]}");
    }

    [Fact]
    public void Pieces_are_found_beyond_the_first_ones()
    {
        // The same memory many times: 3 · 2^31 elements of which a megabyte exists.
        var piece = new byte[1 << 20];
        piece[5] = 7;
        var x = Tensor.Wrap<byte>(Shape.Of(6, 1 << 30), Enumerable.Repeat((ReadOnlyMemory<byte>)piece, 6 << 10));
        Span<byte> part = stackalloc byte[3];
        x.CopyTo(part, (5L << 30) + 4);
        Assert.Equal([0, 7, 0], part.ToArray());
        x.CopyTo(part, (6L << 30) - 3);
        Assert.Equal([0, 0, 0], part.ToArray());
        Assert.Contains("elements from number 6442450942 of uint8[6, 1073741824], which has 6442450944", Assert.Throws<GraphException>(() => x.CopyTo(new byte[3].AsSpan(), (6L << 30) - 2)).Message);
        Assert.StartsWith("uint8[6, 1073741824]:\n[[0, 0, 0, …, 0, 0, 0],\n [0,", x.ToString());
    }

    [Fact]
    public void Sums_and_extremes_of_more_than_2_to_the_31_elements()
    {
        var x = Tensor.From(3L).BroadcastTo(Shape.Of(Many));
        Assert.Equal(3 * Many, x.Sum().ToScalar<long>());
        Assert.Equal([3 * Many, 4 * Many], (Tensor.From([3L, 4]).Unsqueeze(1) * Tensor.From(1L).BroadcastTo(Shape.Of(Many))).Sum(1).ToArray<long>());
        Assert.Equal(3, Tensor.From(3.0).BroadcastTo(Shape.Of(1 << 16, 1 << 15)).Max().ToScalar<double>());
    }

    [Fact]
    public void More_products_at_once_than_a_team_counts_parts()
    {
        const int batches = (1 << 20) + 17;
        var (a, b) = (Tensor.Arange(2f * batches).Reshape(batches, 1, 2), Tensor.From(1f).BroadcastTo(Shape.Of(batches, 2, 1)) * 2);
        var product = a.MatMul(b);
        Assert.Equal(Shape.Of(batches, 1, 1), product.Shape);
        Span<float> last = stackalloc float[2];
        product.CopyTo(last, batches - 2);
        Assert.Equal([2 * (4f * batches - 7), 2 * (4f * batches - 3)], last.ToArray());
    }

    [SkippableFact]
    public void A_tensor_of_more_than_2_GiB()
    {
        SkipUnlessThereIsRoom(10 * Gibibyte);
        long count = (Gibibyte / 2 / 1000 + 1) * 1000, half = count / 2 / 1000 * 1000;
        float[] first = Values(0, half), second = Values(half, count - half);
        var x = Tensor.Wrap<float>(Shape.Of(count), first, second);
        Assert.True(x.Type.Bytes > 2 * Gibibyte);
        using var device = new TensorDevice(new CpuBackend(0, new CpuOptions { Threads = 2 }));
        var y = x * 2 + 1;
        float[] end = Read<float>(device, y, count - 5, 5);
        Assert.Equal(Enumerable.Range(0, 5).Select(i => 2f * Value(count - 5 + i) + 1), end);
        Assert.Equal(2f * Value(half) + 1, Read<float>(device, y, half, 1)[0]);
        double sum = 0;
        for (long i = 0; i < count; i++)
            sum += Value(i);
        Assert.Equal(sum, Read<double>(device, x.Convert(DType.Float64).Sum(), 0, 1)[0]);
        Assert.Equal(999, Read<float>(device, x.Max(), 0, 1)[0]);
        // Rows of the whole: a slice beyond 2 GiB, a product, a gather, a column's sum.
        var rows = x.Reshape(1000, -1);
        Assert.Equal(Read<float>(device, x, 999 * (count / 1000), 3), Read<float>(device, rows[999, ..3], 0, 3));
        Assert.Equal(Read<double>(device, rows.Convert(DType.Float64).Sum(1)[999], 0, 1)[0],
            Read<float>(device, rows.MatMul(Tensor.From(1f).BroadcastTo(Shape.Of(count / 1000))), 999, 1)[0], 1e3);
        Assert.Equal(Read<float>(device, rows[998, ..3], 0, 3), Read<float>(device, rows[.., ..3].Gather(Tensor.From([998, 0])), 0, 3));
        Assert.Equal(Enumerable.Range(0, 1000).Sum(r => (double)Value(r * (count / 1000) + 7)), Read<double>(device, rows[.., 7].Convert(DType.Float64).Sum(), 0, 1)[0]);
        GC.KeepAlive(x);

        static float Value(long i) => i * 7919 % 1000;

        static float[] Values(long from, long length)
        {
            var values = new float[length];
            for (long i = 0; i < length; i++)
                values[i] = Value(from + i);
            return values;
        }
    }

    [SkippableFact]
    public void A_tensor_of_more_than_2_to_the_31_elements()
    {
        SkipUnlessThereIsRoom(10 * Gibibyte);
        byte[] first = new byte[Gibibyte], second = new byte[Gibibyte], third = new byte[1000];
        (first[0], second[^1], third[^1]) = (1, 2, 3);
        var x = Tensor.Wrap<byte>(Shape.Of(Many), first, second, third);
        using var device = new TensorDevice(new CpuBackend(0, new CpuOptions { Threads = 2 }));
        Assert.Equal([6], Read<int>(device, x.Convert(DType.Int32).Sum(), 0, 1));
        Assert.Equal([2, 0], Read<byte>(device, x[TensorIndex.Between((1L << 31) - 1, (1L << 31) + 1)], 0, 2));
        var y = Tensor.Concat(0, x[TensorIndex.Between(Many - 10, Many)], x);
        Assert.Equal([0, 3, 1], Read<byte>(device, y, 8, 3));
        Assert.Equal([3], Read<byte>(device, y, Many + 9, 1));
        // One long row: the dot product of 2^31 elements, cut into blocks as always.
        Assert.Equal([2.0 * Many], Read<double>(device, Tensor.From(2.0).BroadcastTo(Shape.Of(Many)).MatMul(Tensor.From(1.0).BroadcastTo(Shape.Of(Many))), 0, 1));
    }

    private static T[] Read<T>(TensorDevice device, Tensor tensor, long offset, int count) where T : unmanaged
    {
        var values = new T[count];
        device.CopyTo(tensor, values.AsSpan(), offset);
        return values;
    }

    private static void SkipUnlessThereIsRoom(long bytes)
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("SINGA_LONG") == "1", "takes gigabytes: set SINGA_LONG=1");
        long free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Process.GetCurrentProcess().WorkingSet64;
        Skip.If(free < bytes, $"takes {bytes >> 30} GiB and there are {free >> 30}");
    }
}
