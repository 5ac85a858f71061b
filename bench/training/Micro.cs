using System.Text.Json.Nodes;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Training;

/// <summary>Single operations, at the sizes at which the peer measures its own.</summary>
internal static class Micro
{
    private static readonly int[] Large = [1 << 16, 1 << 20, 1 << 22, 1 << 24];

    public static void Gemm(IBackend backend, Options options, Machine machine)
    {
        foreach (int n in new[] { 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048 })
        {
            var (median, floor) = Time(backend, options.Seconds / 8, machine, [Matrix("a", n, n), Matrix("b", n, n)], t => [t[0].MatMul(t[1])]);
            Write(new JsonObject { ["workload"] = "gemm", ["n"] = n, ["gflops"] = 2.0 * n * n * n / (median * 1e6) }, options, median, floor);
        }
    }

    public static void GemmShapes(IBackend backend, Options options, Machine machine)
    {
        (string Name, int M, int N, int K, bool Ta, bool Tb)[] shapes =
        [
            ("mlp forward", 128, 512, 784, false, true), ("mlp input gradient", 128, 784, 512, false, false),
            ("mlp weight gradient", 512, 784, 128, true, false), ("mlp head", 128, 10, 256, false, true),
            ("lenet dense", 64, 500, 800, false, true), ("lstm step", 32, 1024, 256, false, true),
            ("lstm all inputs", 2048, 1024, 96, false, true), ("lstm weight gradient", 1024, 256, 2048, true, false),
            ("gpt qkv", 1024, 768, 256, false, true), ("gpt up", 1024, 1024, 256, false, true),
            ("gpt down", 1024, 256, 1024, false, true), ("gpt weight gradient", 1024, 256, 1024, true, false),
            ("gpt head", 1024, 96, 256, false, true), ("tall", 32768, 64, 576, false, false),
            ("flat", 512, 512, 4608, false, false), ("row times matrix", 1, 1024, 1024, false, true),
        ];
        foreach (var (name, m, n, k, ta, tb) in shapes)
        {
            var (median, floor) = Time(backend, options.Seconds / 16, machine, [ta ? Matrix("a", k, m) : Matrix("a", m, k), tb ? Matrix("b", n, k) : Matrix("b", k, n)],
                t => [(ta ? t[0].Transpose(1, 0) : t[0]).MatMul(tb ? t[1].Transpose(1, 0) : t[1])]);
            Write(new JsonObject { ["workload"] = "gemm-shapes", ["name"] = name, ["gflops"] = 2.0 * m * n * k / (median * 1e6) }, options, median, floor);
        }
    }

    public static void Pointwise(IBackend backend, Options options, Machine machine)
    {
        foreach (int n in new[] { 1, 64, 1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24 })
            Bandwidth(backend, options, machine, "pointwise", n, 8, [Vector("x", n)], t => [(t[0] * 1.5 + 0.25).Relu()]);
    }

    public static void Rows(IBackend backend, Options options, Machine machine)
    {
        foreach (int n in Large)
        {
            Bandwidth(backend, options, machine, "softmax", n, 8, [Matrix("x", n / 1024, 1024)], t => [t[0].Softmax()]);
            Bandwidth(backend, options, machine, "layernorm", n, 8, [Matrix("x", n / 1024, 1024)],
                t => [new LayerNorm().Apply(t[0], new ModuleContext(new ModuleRequests(), DType.Float32))]);
        }
    }

    public static void Adam(IBackend backend, Options options, Machine machine)
    {
        var adam = new AdamW { LearningRate = 1e-3, WeightDecay = 1e-2 };
        foreach (int n in Large)
        {
            Bandwidth(backend, options, machine, "adamw", n, 28, [Vector("w", n), Vector("m", n), Vector("v", n), Vector("g", n), Scalar("number"), Scalar("rate")], t =>
            {
                var (parameter, state) = adam.Update(t[0], t[3], [t[1], t[2]], new StepScalars(t[4], t[5]), 1e-2);
                return [parameter, state[0], state[1]];
            }, inPlace: true);
        }
    }

    private static void Bandwidth(IBackend backend, Options options, Machine machine, string workload, int n, int bytesEach, Tensor[] inputs, Func<Tensor[], Tensor[]> build, bool inPlace = false)
    {
        var (median, floor) = Time(backend, options.Seconds / 8, machine, inputs, build, inPlace);
        Write(new JsonObject { ["workload"] = workload, ["n"] = n, ["gb_per_s"] = bytesEach * (double)n / (median * 1e6) }, options, median, floor);
    }

    private static void Write(JsonObject line, Options options, double median, Floor floor)
    {
        (line["threads"], line["median_ms"]) = (options.Threads, median);
        (line["floor_ms"], line["stream_ms"]) = (floor.Seconds * 1000, floor.Memory * 1000);
        Report.Write(line);
    }

    /// <param name="inPlace">Results replace the first inputs.</param>
    private static (double MedianMs, Floor Floor) Time(IBackend backend, double seconds, Machine machine, Tensor[] inputs, Func<Tensor[], Tensor[]> build, bool inPlace = false)
    {
        var plan = new PlanBuilder();
        var places = inputs.Select(t => plan.Declare(Label(t), BlockKind.Variable, t.Type)).ToArray();
        var results = build(inputs);
        plan.AddSection("fill", [], [.. inputs.Select((t, i) => (RandomBits.Uniform(7, (uint)i, t.DType, t.Shape), places[i]))], []);
        plan.AddSection("run", [], [.. results.Select((r, i) => (r, inPlace ? places[i] : plan.Declare($"result {i}", BlockKind.Output, r.Type)))], []);
        using var runner = new PlanRunner(backend, plan.Build());
        runner.Run("fill");
        int section = runner.Loaded.SectionIndex("run");
        return (Report.MedianMs(() => runner.Run(section, 0), seconds), Floor.Of(runner.Loaded.Plan, [runner.Loaded.Plan.Sections[section]], machine));
    }

    private static string Label(Tensor input) => ((Placeholder)input.Producer.Op).Label;

    private static Tensor Matrix(string name, int rows, int columns) => Input(name, Shape.Of(rows, columns));

    private static Tensor Vector(string name, int count) => Input(name, Shape.Of(count));

    private static Tensor Scalar(string name) => Input(name, Shape.Scalar);

    private static Tensor Input(string name, Shape shape) => Placeholder.Create(name, new TensorType(DType.Float32, shape), BlockKind.Variable);
}
