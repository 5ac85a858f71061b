using System.Runtime.CompilerServices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tensors;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class EvaluationTests : IDisposable
{
    private readonly CountingBackend counting = new();
    private readonly TensorDevice device;

    public EvaluationTests() => device = new TensorDevice(counting);

    [Fact]
    public void The_same_expression_on_other_numbers_compiles_nothing()
    {
        float[] Value(float[] x, double scale, ulong seed) =>
            Read<float>((Tensor.From(x) * scale + 0.5).Exp().Sum(0) * Tensor.Full(Shape.Of(2), scale) + Tensor.RandomUniform(Shape.Of(2), seed) * Tensor.Arange((float)x[0], x[0] + 2));
        float[] first = Value([1, 2, 3], 0.1, 1);
        int kernels = counting.Compiled;
        Assert.Equal(1, device.PlansCompiled);
        float[] second = Value([3, 2, -1], -0.3, 2);
        Assert.Equal((1, kernels), (device.PlansCompiled, counting.Compiled));
        Assert.NotEqual(first, second);
        Assert.Equal(first, Value([1, 2, 3], 0.1, 1));
        double exact = new double[] { 3, 2, -1 }.Sum(x => Math.Exp(x * -0.3 + 0.5)) * -0.3;
        Assert.InRange(second[0], exact, exact + 3.0001);

        Value([1, 2, 3, 4], 0.1, 1);
        Assert.Equal(2, device.PlansCompiled);
    }

    [Fact]
    public void Signed_zeros_stay_what_they_are()
    {
        Assert.Equal([float.PositiveInfinity], Read<float>(1 / Tensor.Full(Shape.Of(1), 0.0)));
        Assert.Equal([float.NegativeInfinity], Read<float>(1 / Tensor.Full(Shape.Of(1), -0.0)));
    }

    [Fact]
    public void Large_tensors_are_computed_where_they_lie()
    {
        long size = CompiledExpression.CopiedBytesMax;
        var x = Tensor.Wrap([.. Enumerable.Range(0, (int)size / 4).Select(i => (float)i)], Shape.Of(size / 4));
        var y = x * 2 + 1;
        device.Evaluate(y);
        // The input, once, and the result.
        Assert.InRange(device.AllocatedBytes, 2 * size, 2 * size + (64 << 10));
        float[] values = Read<float>(y);
        Assert.Equal([1, 3, 2 * (size / 4 - 1) + 1], [values[0], values[1], values[^1]]);
        Assert.Equal((float)Enumerable.Range(0, (int)size / 4).Sum(i => 2.0 * i + 1), Read<float>(y.Sum())[0], size);
        Assert.Equal(2, device.PlansCompiled);
        Read<float>((x + 4).Sum());
        Read<float>((x + 5).Sum());
        Assert.Equal(3, device.PlansCompiled);
        GC.KeepAlive(x);
    }

    [Fact]
    public void What_was_computed_is_a_source_for_what_is_built_on_it()
    {
        var x = Tensor.From([1.0, 2]);
        var y = x.Exp();
        Read<double>(y);
        int before = counting.Compiled;
        Read<double>(y + 1);
        // One addition, no exponential.
        Assert.Equal(before + 1, counting.Compiled);
        // And still a part of the graph.
        Assert.Equal([Math.E, Math.E * Math.E], Read<double>(Graph.Gradients.Of(y.Sum(), [x])[0]), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Several_tensors_are_computed_together_and_share_what_they_can()
    {
        var x = Tensor.From([1.0, 2]);
        var shared = x.Exp();
        device.Evaluate(shared + 1, shared * 2, x, shared);
        Assert.Equal(1, device.PlansCompiled);
        var (a, b) = (shared[0] + 1, shared[1]);
        device.Evaluate(a, b);
        Assert.Equal([Math.E + 1], Read<double>(a), (p, q) => Math.Abs(p - q) < 1e-12);
    }

    [Fact]
    public void Batches_cut_from_data_are_one_plan()
    {
        var data = Tensor.Arange(64.0).Reshape(16, 4);
        for (int i = 0; i < 16; i += 2)
        {
            Assert.Equal(Enumerable.Range(0, 4).Sum(c => 4.0 * i + c) + Enumerable.Range(0, 4).Sum(c => 4.0 * i + 4 + c), Read<double>((data[i..(i + 2)] * 1.0).Sum())[0]);
            Assert.Equal([4.0 * i * 3], Read<double>(data[i][0] * 3));
        }

        Assert.Equal(2, device.PlansCompiled);
    }

    [Fact]
    public void A_loop_of_training_compiles_once_and_forgets_its_rounds()
    {
        var x = Tensor.RandomNormal(Shape.Of(32, 3), 1, type: DType.Float64);
        var y = x.MatMul(Tensor.From([1.0, -2, 0.5])) + 0.25;
        device.Evaluate(x, y);
        int before = device.PlansCompiled;
        var (w, b, first) = Train(device, x, y, rounds: 60);
        // The first round's parameters are zeros, which are structure.
        Assert.InRange(device.PlansCompiled - before, 1, 2);
        Assert.Equal([1.0, -2, 0.5], Read<double>(w), (p, q) => Math.Abs(p - q) < 1e-3);
        Assert.Equal(0.25, Read<double>(b)[0], 1e-3);
        Collect();
        Assert.False(first.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor W, Tensor B, WeakReference First) Train(TensorDevice device, Tensor x, Tensor y, int rounds)
    {
        var (w, b) = (Tensor.Zeros(Shape.Of(3), DType.Float64), Tensor.Zeros(Shape.Scalar, DType.Float64));
        WeakReference? first = null;
        for (int round = 0; round < rounds; round++)
        {
            var loss = (x.MatMul(w) + b - y).Square().Mean();
            var gradients = Graph.Gradients.Of(loss, [w, b]);
            double rate = 0.3 / (1 + 0.01 * round);
            (w, b) = ((w - rate * gradients[0]).Detach(), (b - rate * gradients[1]).Detach());
            device.Evaluate(w, b);
            first ??= new WeakReference(w);
        }

        return (w, b, first!);
    }

    [Fact]
    public void Memory_comes_back_once_nobody_refers_to_a_tensor()
    {
        Assert.InRange(Make(device), 10 << 20, 11 << 20);
        Collect();
        Assert.InRange(device.AllocatedBytes, 0, 1 << 20);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static long Make(TensorDevice device)
        {
            Tensor[] tensors = [.. Enumerable.Range(2, 10).Select(i => Tensor.Full(Shape.Of(1 << 18), i) + 1)];
            foreach (var tensor in tensors)
                device.Evaluate(tensor);
            long bytes = device.AllocatedBytes;
            GC.KeepAlive(tensors);
            return bytes;
        }
    }

    [Fact]
    public void Plans_are_kept_up_to_a_bound()
    {
        var cache = new ExpressionCache(countMax: 2);
        Subgraph Of(int n) => Expression.Of([Tensor.Zeros(n).Exp()], _ => null).Structure;
        int compiled = 0;
        CompiledExpression Get(int n) => cache.Get(Of(n), s =>
        {
            compiled++;
            return new CompiledExpression(device, s);
        });
        foreach (int n in new[] { 1, 2, 1, 3, 1, 2 })
        {
            Get(n);
            cache.Trim();
        }

        Assert.Equal((4, 2), (compiled, cache.Count));
    }

    [Fact]
    public void From_many_threads()
    {
        var x = Tensor.Arange(1000.0);
        var shared = (x * 2).Cos();
        double[] results = new double[64];
        Parallel.For(0, results.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => results[i] = Read<double>((shared + (x - (i + 2))).Sum())[0]);
        for (int i = 1; i < results.Length; i++)
            Assert.Equal(results[0] - 1000.0 * i, results[i], 1e-6);
        Assert.Equal(1, device.PlansCompiled);
    }

    [Fact]
    public void What_belongs_to_a_job_has_no_value_here()
    {
        var weight = Placeholder.Create("conv1.weight", new TensorType(DType.Float32, Shape.Of(2)), BlockKind.Variable);
        Assert.Equal("'conv1.weight' is a variable of a job and has no value outside it", Assert.Throws<GraphException>(() => device.Evaluate(weight.Exp())).Message);
    }

    [Fact]
    public void A_division_by_zero_is_an_error_and_harms_nothing()
    {
        var (a, b) = (Tensor.From([1, 2]), Tensor.From([1, 0]));
        Assert.Throws<DivideByZeroException>(() => Read<int>(a / b));
        Assert.Equal([1, 2], Read<int>(a / Tensor.From([1, 1])));
    }

    [Fact]
    public void Nothing_is_read_from_a_device_that_is_closed()
    {
        var x = Tensor.From([1f]) + 1;
        device.Evaluate(x);
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Read<float>(x));
        Assert.Throws<ObjectDisposedException>(() => device.Evaluate(x * 2));
    }

    [Fact]
    public void The_default_device_is_chosen_before_it_is_used()
    {
        Tensor.Evaluate(Tensor.From([1f]) + 1);
        Assert.Contains("the default device is cpu:0 and in use", Assert.Throws<InvalidOperationException>(() => DefaultDevice.Configure(threads: 1)).Message);
    }

    public void Dispose() => device.Dispose();

    private T[] Read<T>(Tensor tensor) where T : unmanaged
    {
        var values = new T[tensor.Shape.Count];
        device.CopyTo(tensor, values.AsSpan());
        return values;
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private sealed class CountingBackend : IBackend
    {
        private readonly CpuBackend inner = new(0, new CpuOptions { Threads = 2 });

        public int Compiled { get; private set; }

        public DeviceProperties Properties => inner.Properties;

        public DeviceMemory Allocate(long bytes) => inner.Allocate(bytes);

        public void Free(DeviceMemory memory) => inner.Free(memory);

        public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) => inner.Upload(source, target, offset);

        public void Download(DeviceMemory source, long offset, Span<byte> target) => inner.Download(source, offset, target);

        public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
            inner.Copy(source, sourceOffset, target, targetOffset, bytes);

        public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks)
        {
            Compiled++;
            return inner.Compile(kernel, blocks);
        }

        public void Launch(CompiledKernel kernel, DeviceMemory? scratch) => inner.Launch(kernel, scratch);

        public void Synchronize() => inner.Synchronize();

        public void Dispose() => inner.Dispose();
    }
}
