using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Bench.Memory;

/// <summary>
/// One network trained for some steps on data drawn by seed, another batch each step: images whose class is the place of a bright stripe in
/// noise, or text in which a letter mostly says the next. What it needs, planned and resident, and its loss at each step.
/// </summary>
internal static class StorageRun
{
    private const int Classes = 10, Vocabulary = 96, Time = 128;

    public static readonly string[] Names = ["resnet18", "gpt-mini"];

    public static (TrainingDefinition Job, int Batch) Job(string name, bool half, int steps)
    {
        bool text = name == "gpt-mini";
        var sample = text ? new TensorType(DType.Int32, Shape.Of(Time)) : new TensorType(DType.Float32, Shape.Of(3, 32, 32));
        var label = text ? sample : new TensorType(DType.Int32, Shape.Scalar);
        int classes = text ? Vocabulary : Classes;
        Optimizer optimizer = text ? new AdamW { LearningRate = 1e-3 } : new Sgd { LearningRate = 0.05, Momentum = 0.9, Schedule = new WarmUpSchedule(20, new ConstantSchedule()) };
        return (new TrainingDefinition(ModelCatalog.Create(name, sample.Shape, classes), new SoftmaxCrossEntropy(), optimizer, sample, label, classes, 1, 1, steps) { IsHalfStored = half }, text ? 8 : 32);
    }

    public static TrainingPlan Plan(string name, bool half, int steps)
    {
        var (job, batch) = Job(name, half, steps);
        var all = new ShardRange(0, job.Shards);
        return TrainingCompiler.Compile(job, all, [BatchLayout.Of(batch, job.Shards, all)], [], []);
    }

    /// <summary>Prints the peak of resident memory in bytes, then a loss a line.</summary>
    public static void Train(string name, bool half, int steps)
    {
        var plan = Plan(name, half, steps).Plan;
        int batch = Job(name, half, steps).Batch;
        using var backend = new CpuBackend(0, new CpuOptions { Threads = 2 });
        using var runner = new PlanRunner(backend, plan, new Alone());
        runner.Run("initialise");
        var losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            var (samples, labels) = name == "gpt-mini" ? Text(batch, step) : Images(batch, step);
            var metrics = new byte[2 * sizeof(float)];
            runner.Run("gradients/0", samples, labels, Bytes([step]));
            runner.Run("exchange/0");
            runner.Run("update", Bytes([1f / batch]), metrics);
            losses[step] = BitConverter.ToSingle(metrics) / batch;
        }

        Console.WriteLine(PeakResident());
        Array.ForEach(losses, loss => Console.WriteLine(loss));
    }

    private static (Memory<byte> Samples, Memory<byte> Labels) Images(int batch, int step)
    {
        var labels = Enumerable.Range(0, batch).Select(i => (int)(Draw(step, i) % Classes)).ToArray();
        var samples = new float[batch * 3 * 32 * 32];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = Philox.ToUnitFloat(Draw(step, batch + i)) - 0.5f + (i % 32 / 3 == labels[i / 3072] ? 0.12f : 0);
        return (Bytes(samples), Bytes(labels));
    }

    private static (Memory<byte> Samples, Memory<byte> Labels) Text(int batch, int step)
    {
        var (inputs, next) = (new int[batch * Time], new int[batch * Time]);
        for (int row = 0; row < batch; row++)
        {
            int letter = (int)(Draw(step, row) % Vocabulary);
            for (int t = 0; t < Time; t++)
            {
                inputs[row * Time + t] = letter;
                uint chance = Draw(step, batch + row * Time + t);
                // Three ways to go on, one of them by far the commonest.
                next[row * Time + t] = letter = (letter * 7 + (chance % 8) switch { 0 => 11, 1 => 23, _ => 3 }) % Vocabulary;
            }
        }

        return (Bytes(inputs), Bytes(next));
    }

    private static uint Draw(int step, int index) => Philox.Block(5, (ulong)index, (ulong)step).W0;

    private static long PeakResident() => !OperatingSystem.IsLinux() ? Environment.WorkingSet
        : 1024 * long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(':')[1].Replace("kB", "").Trim());

    private static Memory<byte> Bytes<T>(T[] values) where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    /// <summary>One row is the total already.</summary>
    private sealed class Alone : IExchange
    {
        public void Begin(int bucket, long tag, LoadedPlan loaded, Operand rows, IExchangeCompletion done) => done.Complete();

        public void Abort(string reason)
        {
        }
    }
}
