using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>A job whose shards are all on one device, the reference unless said, step by step in the calling thread; always the same batch.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly IBackend backend;
    private readonly PlanRunner runner;
    private readonly int batch;

    /// <summary>With an evaluation of the batch.</summary>
    public TrainingRun(TrainingDefinition job, int batch, IBackend? backend = null)
        : this(Compile(job, batch, batch), job.Shards, backend)
    {
    }

    public TrainingRun(TrainingPlan training, int shards, IBackend? backend = null)
    {
        (Training, this.backend, batch) = (training, backend ?? new ReferenceBackend(), training.Layouts[0].Samples);
        runner = new PlanRunner(this.backend, training.Plan, new TreeExchange(training, shards));
        runner.Run("initialise");
    }

    public TrainingPlan Training { get; }

    public static TrainingPlan Compile(TrainingDefinition job, int batch, params ImmutableArray<int> evaluated)
    {
        var all = new ShardRange(0, job.Shards);
        return TrainingCompiler.Compile(job, all, [BatchLayout.Of(batch, job.Shards, all)], evaluated, []);
    }

    /// <returns>Loss sum and right answers.</returns>
    public (float Loss, float Correct) Step<TSample, TLabel>(int step, TSample[] samples, TLabel[] labels) where TSample : unmanaged where TLabel : unmanaged
    {
        var metrics = new float[2];
        var buffer = Bytes(metrics);
        runner.Run(runner.Loaded.SectionIndex("gradients/0"), step, Bytes(samples), Bytes(labels), Bytes([step]));
        runner.Run(runner.Loaded.SectionIndex("exchange/0"), step);
        runner.Run(runner.Loaded.SectionIndex("update"), step, Bytes([1f / batch]), buffer);
        MemoryMarshal.Cast<byte, float>(buffer.Span).CopyTo(metrics);
        return (metrics[0], metrics[1]);
    }

    /// <summary>Some steps from the first on.</summary>
    /// <returns>The mean loss of each.</returns>
    public float[] Train<TSample, TLabel>(int steps, TSample[] samples, TLabel[] labels) where TSample : unmanaged where TLabel : unmanaged =>
        [.. Enumerable.Range(0, steps).Select(step => Step(step, samples, labels).Loss / batch)];

    /// <summary>What the evaluation of the batch says.</summary>
    public float[] Evaluate<TSample, TLabel>(TSample[] samples, TLabel[] labels) where TSample : unmanaged where TLabel : unmanaged
    {
        Memory<byte> figures = new byte[(int)runner.Loaded.Plan[$"evaluate/{batch}"].HostSlots[2]];
        runner.Run($"evaluate/{batch}", Bytes(samples), Bytes(labels), figures);
        return MemoryMarshal.Cast<byte, float>(figures.Span).ToArray();
    }

    public float[] Read(string variable)
    {
        var found = Training.Variables.Single(v => v.Name == variable);
        return MemoryMarshal.Cast<byte, float>(Read(found))[..(int)found.Type.Shape.Count].ToArray();
    }

    /// <summary>Equal where all variables have the same bits.</summary>
    public string Digest() => string.Join(' ', Training.Variables.Select(v => $"{v.Name} {Convert.ToHexString(SHA256.HashData(Read(v)))}"));

    public void Dispose()
    {
        runner.Dispose();
        backend.Dispose();
    }

    private byte[] Read(Variable variable)
    {
        var bytes = new byte[Training.Plan.Blocks[variable.Block].Bytes];
        runner.Loaded.ReadBlock(variable.Block, bytes);
        return bytes;
    }

    private static Memory<byte> Bytes<T>(T[] values) where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
