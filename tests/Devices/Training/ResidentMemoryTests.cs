using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>What is planned is what the process really grows by.</summary>
[Collection(nameof(ResidentMemoryTests))]
[CollectionDefinition(nameof(ResidentMemoryTests), DisableParallelization = true)]
public sealed class ResidentMemoryTests
{
    [SkippableFact]
    public void The_process_grows_by_what_was_planned()
    {
        Skip.IfNot(File.Exists("/proc/self/status"), "the resident size is read from /proc");
        // The code that runs is compiled before anything is measured.
        Train(64);
        long before = Resident();
        long planned = 0, grown = 0;
        Train(2048, runner =>
        {
            grown = Resident() - before;
            planned = runner.Loaded.PlannedBytes;
        });
        Assert.True(planned > 200 << 20, $"planned {planned}");
        Assert.InRange(grown, planned * 0.9 - (16 << 20), planned * 1.1 + (16 << 20));
    }

    private static void Train(int batch, Action<PlanRunner>? measure = null)
    {
        var job = new TrainingDefinition(ModelCatalog.LeNet(10), new SoftmaxCrossEntropy(), new Sgd { Momentum = 0.9 },
            new TensorType(DType.Float32, Shape.Of(1, 28, 28)), new TensorType(DType.Int32, Shape.Scalar), 10, 8, 1, 10);
        var plan = TrainingRun.Compile(job, batch);
        using var backend = new CpuBackend(0, new CpuOptions { Threads = 2 });
        using var runner = new PlanRunner(backend, plan.Plan);
        runner.Run("initialise");
        var gradients = plan.Plan["gradients/0"];
        var buffers = gradients.HostSlots.Select(bytes => (Memory<byte>)new byte[bytes]).ToArray();
        runner.Run("gradients/0", buffers);
        runner.Run("update", new byte[4], new byte[8]);
        measure?.Invoke(runner);
    }

    private static long Resident() =>
        long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmRSS:")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) * 1024;
}
