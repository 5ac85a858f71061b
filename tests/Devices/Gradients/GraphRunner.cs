using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Runs a graph of float64 inputs on a backend: one section that takes all inputs and gives all outputs.</summary>
internal sealed class GraphRunner : IDisposable
{
    private readonly PlanRunner runner;
    private readonly double[][] results;

    public GraphRunner(IBackend backend, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs)
    {
        var plan = new PlanBuilder();
        var uploads = inputs.Select((t, i) => (Kernel)new UploadKernel(i, plan.Declare(((Placeholder)t.Producer.Op).Label, BlockKind.Input, t.Type))).ToArray();
        var targets = outputs.Select((t, i) => plan.Declare($"result {i}", BlockKind.Output, t.Type)).ToArray();
        plan.AddSection("run", uploads, [.. outputs.Select((t, i) => (t, targets[i]))], targets.Select((t, i) => new DownloadKernel(inputs.Count + i, t)));
        Plan = plan.Build();
        runner = new PlanRunner(backend, Plan);
        results = [.. outputs.Select(o => new double[o.Shape.Count])];
    }

    public Plan Plan { get; }

    public double[][] Run(params double[][] values)
    {
        var buffers = values.Concat(results).Select(v => (Memory<byte>)MemoryMarshal.AsBytes(v.AsSpan()).ToArray()).ToArray();
        runner.Run("run", buffers);
        for (int i = 0; i < results.Length; i++)
            buffers[values.Length + i].Span.CopyTo(MemoryMarshal.AsBytes(results[i].AsSpan()));
        return results;
    }

    public static Tensor Input(int index, Shape shape) => Placeholder.Create($"input {index}", new TensorType(DType.Float64, shape), BlockKind.Input);

    public void Dispose() => runner.Dispose();
}
