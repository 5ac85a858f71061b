using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

// What exactness costs: the same job with 8 shards on one device against 1, samples/s in alternating rounds and memory as planned.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Rounds = 9, Steps = 30;
int threads = args.Length > 0 ? int.Parse(args[0]) : 1;
foreach (var (name, batch) in new[] { ("lenet", 64), ("mlp", 128) })
{
    using var backend = new CpuBackend(0, new CpuOptions { Threads = threads });
    using var one = new Job(backend, name, batch, 1);
    using var eight = new Job(backend, name, batch, 8);
    var ratios = new List<double>();
    var speeds = new List<double>();
    for (int round = 0; round < Rounds; round++)
    {
        double a = one.SamplesPerSecond(Steps), b = eight.SamplesPerSecond(Steps);
        ratios.Add(b / a);
        speeds.Add(b);
    }

    Console.WriteLine($"{name} batch {batch}, {threads} thread(s): 8 shards {speeds.Order().ElementAt(Rounds / 2):0} samples/s, {ratios.Order().ElementAt(Rounds / 2):0.00} x 1 shard; "
        + $"memory {eight.Bytes / 1048576.0:0.0} MiB, {(double)eight.Bytes / one.Bytes:0.00} x 1 shard; arena {eight.Arena:0.000} x live sum");
}

internal sealed class Job : IDisposable
{
    private readonly PlanRunner runner;
    private readonly int batch;
    private readonly Memory<byte>[] gradients;
    private readonly Memory<byte> scale = new byte[4], metrics = new byte[8];

    public Job(IBackend backend, string model, int batch, int shards)
    {
        this.batch = batch;
        var job = new TrainingDefinition(ModelCatalog.Create(model, Shape.Of(1, 28, 28), 10), new SoftmaxCrossEntropy(), new Sgd { Momentum = 0.9 },
            new TensorType(DType.Float32, Shape.Of(1, 28, 28)), new TensorType(DType.Int32, Shape.Scalar), 10, shards, 1, 1000);
        var local = new ShardRange(0, shards);
        var plan = TrainingCompiler.Compile(job, local, [BatchLayout.Of(batch, shards, local)], [], []).Plan;
        runner = new PlanRunner(backend, plan);
        gradients = [.. plan["gradients/0"].HostSlots.Select(bytes => (Memory<byte>)new byte[bytes])];
        foreach (ref float x in MemoryMarshal.Cast<byte, float>(gradients[0].Span))
            x = System.Random.Shared.NextSingle();
        MemoryMarshal.Cast<byte, float>(scale.Span)[0] = 1f / batch;
        Arena = (double)plan.ArenaBytes / plan.LiveBytes;
        runner.Run("initialise");
        SamplesPerSecond(20);
    }

    public double Arena { get; }

    public long Bytes => runner.Loaded.PlannedBytes;

    public double SamplesPerSecond(int steps)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++)
        {
            runner.Run("gradients/0", gradients);
            runner.Run("update", scale, metrics);
        }

        return steps * batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose() => runner.Dispose();
}
