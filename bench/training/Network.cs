using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Bench.Training;

/// <summary>A network of the peer's sizes with a batch of random samples in memory.</summary>
internal sealed class Network : IDisposable
{
    private const int Vocabulary = 96, LstmLength = 64, GptLength = 128;

    private readonly PlanRunner runner;
    private readonly Memory<byte>[] first, second;
    private readonly int gradients, update;

    private Network(IBackend backend, Plan plan, int batch, string gradients, string? update, TensorType sample, int classes)
    {
        Batch = batch;
        runner = new PlanRunner(backend, plan);
        this.gradients = runner.Loaded.SectionIndex(gradients);
        this.update = update is null ? -1 : runner.Loaded.SectionIndex(update);
        first = Buffers(plan[gradients]);
        second = update is null ? [] : Buffers(plan[update]);
        Fill(first[0].Span, sample.DType, classes);
        if (update is null)
            return;
        Fill(first[1].Span, DType.Int32, classes);
        MemoryMarshal.Cast<byte, float>(second[0].Span)[0] = 1f / batch;
        runner.Run("initialise");
    }

    public int Batch { get; }

    public LoadedPlan Loaded => runner.Loaded;

    /// <summary>What a step runs, in order.</summary>
    public int[] Sections => update < 0 ? [gradients] : [gradients, update];

    /// <summary>The least that a step can take on this machine.</summary>
    public Floor Floor(Machine machine) => Training.Floor.Of(Loaded.Plan, Sections.Select(s => Loaded.Plan.Sections[s]), machine);

    public long PlannedBytes => runner.Loaded.PlannedBytes;

    public static Network ToTrain(string workload, IBackend backend, int shards)
    {
        var (definition, batch) = Define(workload, shards);
        var all = new ShardRange(0, shards);
        var plan = TrainingCompiler.Compile(definition, all, [BatchLayout.Of(batch, shards, all)], [], []).Plan;
        return new Network(backend, plan, batch, "gradients/0", "update", definition.Sample, definition.Classes);
    }

    public static Network ToInfer(string workload, IBackend backend, int batch)
    {
        var (definition, _) = Define(workload, 1);
        var plan = PredictionCompiler.Compile(definition, [batch]).Plan;
        var network = new Network(backend, plan, batch, $"predict/{batch}", null, definition.Sample, definition.Classes);
        foreach (var block in plan.Blocks.Where(b => b.Kind == BlockKind.Variable))
        {
            var weights = new byte[block.Bytes];
            Fill(weights, DType.Float32, 0);
            network.Loaded.WriteBlock(block.Id, weights);
        }

        return network;
    }

    public void Step()
    {
        runner.Run(gradients, 0, first);
        if (update >= 0)
            runner.Run(update, 0, second);
    }

    public void Dispose() => runner.Dispose();

    private static (TrainingDefinition Definition, int Batch) Define(string workload, int shards)
    {
        Optimizer sgd = new Sgd { LearningRate = 0.01, Momentum = 0.9 };
        if (workload.EndsWith(Options.Strict, StringComparison.Ordinal))
        {
            var (loose, samples) = Define(workload[..^Options.Strict.Length], shards);
            return (loose with { IsStrict = true }, samples);
        }

        return workload switch
        {
            "mlp" => Images("mlp", [1, 28, 28], 128, sgd),
            "lenet" => Images("lenet", [1, 28, 28], 64, sgd),
            "resnet18" => Images("resnet18", [3, 32, 32], 32, sgd),
            "lstm" => Text("char-lstm", LstmLength, 32, sgd),
            "gpt" => Text("gpt-mini", GptLength, 8, new AdamW { LearningRate = 3e-4, WeightDecay = 1e-2 }),
            _ => throw new ArgumentException($"no network is called '{workload}': {string.Join(", ", Options.Networks)}, each also with {Options.Strict}"),
        };

        (TrainingDefinition, int) Images(string model, long[] shape, int batch, Optimizer optimizer)
        {
            var sample = new TensorType(DType.Float32, Shape.Of(shape));
            return (new TrainingDefinition(ModelCatalog.Create(model, sample.Shape, 10), new SoftmaxCrossEntropy(), optimizer,
                sample, new TensorType(DType.Int32, Shape.Scalar), 10, shards, 1, 1_000_000), batch);
        }

        (TrainingDefinition, int) Text(string model, int length, int batch, Optimizer optimizer)
        {
            var sample = new TensorType(DType.Int32, Shape.Of(length));
            return (new TrainingDefinition(ModelCatalog.Create(model, sample.Shape, Vocabulary), new SoftmaxCrossEntropy(), optimizer,
                sample, sample, Vocabulary, shards, 1, 1_000_000), batch);
        }
    }

    private static Memory<byte>[] Buffers(Section section) => [.. section.HostSlots.Select(bytes => (Memory<byte>)new byte[bytes])];

    private static void Fill(Span<byte> target, DType type, int classes)
    {
        var random = new System.Random(1);
        if (type == DType.Int32)
        {
            foreach (ref int value in MemoryMarshal.Cast<byte, int>(target))
                value = random.Next(classes);
        }
        else
        {
            foreach (ref float value in MemoryMarshal.Cast<byte, float>(target))
                value = random.NextSingle();
        }
    }
}
