using System.Runtime.InteropServices;
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

    public TrainingRun(TrainingDefinition job, int batch, IBackend? backend = null)
    {
        this.backend = backend ?? new ReferenceBackend();
        this.batch = batch;
        var all = new ShardRange(0, job.Shards);
        Training = TrainingCompiler.Compile(job, all, [BatchLayout.Of(batch, job.Shards, all)], [batch], []);
        runner = new PlanRunner(this.backend, Training.Plan, new TreeExchange(Training, job.Shards));
        runner.Run("initialise");
    }

    public TrainingPlan Training { get; }

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

    /// <summary>What the evaluation of the batch says.</summary>
    public float[] Evaluate<TLabel>(float[] samples, TLabel[] labels) where TLabel : unmanaged
    {
        Memory<byte> figures = new byte[(int)runner.Loaded.Plan[$"evaluate/{batch}"].HostSlots[2]];
        runner.Run($"evaluate/{batch}", Bytes(samples), Bytes(labels), figures);
        return MemoryMarshal.Cast<byte, float>(figures.Span).ToArray();
    }

    public float[] Read(string variable)
    {
        var found = Training.Variables.Single(v => v.Name == variable);
        var bytes = new byte[Training.Plan.Blocks[found.Block].Bytes];
        runner.Loaded.ReadBlock(found.Block, bytes);
        return MemoryMarshal.Cast<byte, float>(bytes)[..(int)found.Type.Shape.Count].ToArray();
    }

    public void Dispose()
    {
        runner.Dispose();
        backend.Dispose();
    }

    private static Memory<byte> Bytes<T>(T[] values) where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
