using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Cpu;

/// <summary>What plans make of softmax and norms gives the bits of its parts run one after the other, at every width and with any threads.</summary>
public sealed class ChainTests(CpuVariants variants) : IClassFixture<CpuVariants>
{
    private static readonly Dictionary<string, Func<Tensor, Tensor[]>> Graphs = new()
    {
        ["softmax"] = x => [x.Softmax()],
        ["softmax gradient"] = x => Graph.Gradients.Of((x.Softmax() * Pointwise.Apply("Sin", x)).SumAll(), [x]).ToArray(),
        ["log softmax"] = x => [x.LogSoftmax()],
        ["layer norm"] = x => [Norm(x)],
        ["layer norm gradient"] = x => Graph.Gradients.Of((Norm(x) * Pointwise.Apply("Sin", x)).SumAll(), [x]).ToArray(),
        ["sum beside a map"] = x => [x.Sum(1), x * 2],
        ["softmax of what is used again"] = x => [x.Exp().Softmax(), x.Exp().MatMul(x.Transpose(1, 0))],
    };

    public static TheoryData<string, DType> Cases
    {
        get
        {
            var cases = new TheoryData<string, DType>();
            foreach (var graph in Graphs.Keys)
            {
                foreach (var type in new[] { DType.Float32, DType.Float64, DType.BFloat16 })
                    cases.Add(graph, type);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Short_rows(string graph, DType type)
    {
        for (int length = 1; length <= 70; length++)
            Check(graph, new TensorType(type, Shape.Of(2 + length % 5, length)), length < 3 || length % 16 == 0 ? variants.Backends : [variants.Backends[length % variants.Backends.Count]]);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Long_rows_few_and_many(string graph, DType type)
    {
        using var plain = new CpuBackend(0, new CpuOptions { Threads = 2 });
        foreach (var (rows, length) in new[] { (2, 1000), (3, 4097), (33, 1024), (257, 1000) })
            Check(graph, new TensorType(type, Shape.Of(rows, length)), [variants.Backends[0], variants.Backends[^1], plain]);
    }

    /// <summary>Results that no cache holds go past them, by whole lines.</summary>
    [Theory]
    [InlineData("softmax", 8200, 1024)]
    [InlineData("softmax", 16500, 520)]
    [InlineData("sum beside a map", 16500, 520)]
    public void Rows_beyond_the_caches(string graph, int rows, int length)
    {
        using var one = new CpuBackend(0, new CpuOptions { Threads = 1 });
        using var two = new CpuBackend(0, new CpuOptions { Threads = 2 });
        Check(graph, new TensorType(DType.Float32, Shape.Of(rows, length)), [one, two]);
    }

    /// <summary>A row that no core's own cache holds: links run one after the other, each in all threads.</summary>
    [Fact]
    public void Rows_too_long_or_too_few_for_it()
    {
        using var four = new CpuBackend(0, new CpuOptions { Threads = 4 });
        Check("softmax", new TensorType(DType.Float32, Shape.Of(3, 300_000)), [four]);
        Check("layer norm", new TensorType(DType.Float32, Shape.Of(2, 70_000)), [four]);
    }

    [Fact]
    public void Launching_allocates_nothing()
    {
        using var cpu = new CpuBackend(0, new CpuOptions { Threads = 2, WorkPerPart = 1000 });
        var plan = PlanOf("layer norm", new TensorType(DType.Float32, Shape.Of(64, 300)));
        using var runner = new PlanRunner(cpu, plan);
        runner.Run("run");
        var (kernel, scratch) = (runner.Loaded.Kernel(0, 0)!, runner.Loaded.Scratch);
        // Which thread does which part is chance: until this one has done each once something may still be compiled here.
        Launch();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Launch();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);

        void Launch()
        {
            for (int i = 0; i < 1000; i++)
                cpu.Launch(kernel, scratch);
        }
    }

    private static Tensor Norm(Tensor x) => new LayerNorm().Apply(x, new ModuleContext(new ModuleRequests(), x.DType));

    private static void Check(string graph, TensorType type, IReadOnlyList<IBackend> backends)
    {
        var plan = PlanOf(graph, type);
        // A row of one element is its own maximum.
        Assert.Equal(type.Shape[^1] > 1, plan["run"].Operations.Any(o => o.Kernel is ChainKernel));
        var inputs = plan.Blocks.Where(b => b.Kind is BlockKind.Input or BlockKind.Variable).ToArray();
        byte[][] values = [.. inputs.Select((b, i) => Values(b.Name == "x" ? type.DType : type.DType.Computed(), b.Bytes, seed: i))];
        using var reference = new CpuBackend(0, new CpuOptions { Threads = 1 });
        var expected = Run(reference, Parted.Of(plan), inputs, values);
        foreach (var backend in backends)
            Assert.True(expected.AsSpan().SequenceEqual(Run(backend, plan, inputs, values)), $"{graph} of {type} on {backend.Properties.Description}");
    }

    private static Plan PlanOf(string graph, TensorType type)
    {
        var stored = Placeholder.Create("x", type, BlockKind.Input);
        var outputs = Graphs[graph](stored.Stored(type.DType.Computed())).Select(o => o.Stored(type.DType)).ToArray();
        var plan = new PlanBuilder();
        plan.AddSection("run", [], [.. outputs.Select((o, i) => (o, plan.Declare($"result {i}", BlockKind.Output, o.Type)))], []);
        return plan.Build();
    }

    private static byte[] Run(IBackend backend, Plan plan, Block[] inputs, byte[][] values)
    {
        using var runner = new PlanRunner(backend, plan);
        for (int i = 0; i < inputs.Length; i++)
            runner.Loaded.WriteBlock(inputs[i].Id, values[i]);
        runner.Run("run");
        return [.. plan.Blocks.Where(b => b.Kind == BlockKind.Output).SelectMany(b =>
        {
            var bytes = new byte[b.Bytes];
            runner.Loaded.ReadBlock(b.Id, bytes);
            return bytes;
        })];
    }

    private static byte[] Values(DType type, long bytes, int seed)
    {
        var random = new Random(seed);
        var data = new byte[bytes];
        switch (type)
        {
            case DType.Float64:
                foreach (ref double x in MemoryMarshal.Cast<byte, double>(data.AsSpan()))
                    x = random.NextDouble() * 8 - 4;
                break;
            case DType.BFloat16:
                foreach (ref ushort x in MemoryMarshal.Cast<byte, ushort>(data.AsSpan()))
                    x = BFloat16.FromSingle(random.NextSingle() * 8 - 4);
                break;
            default:
                foreach (ref float x in MemoryMarshal.Cast<byte, float>(data.AsSpan()))
                    x = random.NextSingle() * 8 - 4;
                break;
        }

        return data;
    }
}
