using System.Globalization;
using Singa.Actors.Bench.Memory;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

// What a step needs beyond parameters and optimizer state, as planned, against the same step run op by op as PyTorch does.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
foreach (var (name, sample, batch) in new[] { ("resnet18", Shape.Of(3, 32, 32), 32), ("lenet", Shape.Of(1, 28, 28), 64), ("mlp", Shape.Of(784), 128) })
{
    var model = ModelCatalog.Create(name, sample, 10);
    double eager = EagerStep.PeakBytes(model, sample, batch);
    foreach (int shards in new[] { 1, 8 })
    {
        var job = new TrainingDefinition(model, new SoftmaxCrossEntropy(), new Sgd { Momentum = 0.9 },
            new TensorType(DType.Float32, sample), new TensorType(DType.Int32, Shape.Scalar), 10, shards, 1, 1000);
        var local = new ShardRange(0, shards);
        var plan = TrainingCompiler.Compile(job, local, [BatchLayout.Of(batch, shards, local)], [], []).Plan;
        if (args.Length > 0 && args[0] == name && args[1] == $"{shards}")
            Timeline.Write(plan, args.Length > 2);
        long held = plan.Blocks.Where(b => b.Kind == BlockKind.Variable).Sum(b => b.Bytes), step = plan.ArenaBytes - held;
        Console.WriteLine($"{name} batch {batch}, {shards} shard(s): {step / 1048576.0:0.0} MiB, eager {eager / 1048576.0:0.0} MiB, ratio {step / eager:0.000}; "
            + $"arena {(double)plan.ArenaBytes / plan.LiveBytes:0.000} x live; kernels {plan["gradients/0"].Operations.Length}");
    }
}
