using System.Diagnostics;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Kernels;

/// <summary>A kernel with its memory, ready to be timed.</summary>
internal sealed class Workload : IDisposable
{
    private readonly IBackend backend;
    private readonly DeviceMemory[] memory;
    private readonly CompiledKernel kernel;
    private readonly DeviceMemory? scratch;

    public Workload(IBackend backend, string name, double flops, Kernel kernel)
    {
        (this.backend, Name, Flops) = (backend, name, flops);
        var operands = kernel.Inputs.Concat(kernel.Outputs).ToArray();
        memory = [.. Enumerable.Range(0, operands.Max(o => o.Block) + 1).Select(b => backend.Allocate(operands.Where(o => o.Block == b).Max(o => o.Shape.Count) * sizeof(float)))];
        this.kernel = backend.Compile(kernel, [.. memory.Select(m => new BlockAddress(m, 0))]);
        scratch = this.kernel.ScratchBytes > 0 ? backend.Allocate(this.kernel.ScratchBytes) : null;
    }

    public string Name { get; }

    public double Flops { get; }

    /// <summary>GFLOP/s over some 20 ms.</summary>
    public double Measure()
    {
        backend.Launch(kernel, scratch);
        long start = Stopwatch.GetTimestamp();
        int runs = 0;
        do
        {
            backend.Launch(kernel, scratch);
            runs++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 20);
        return Flops * runs / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    public void Dispose()
    {
        foreach (var piece in memory)
            backend.Free(piece);
        if (scratch is not null)
            backend.Free(scratch);
    }
}
