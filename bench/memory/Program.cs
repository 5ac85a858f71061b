using System.Globalization;
using Singa.Actors.Bench.Memory;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

// What a step needs beyond parameters and optimizer state, as planned, against the same step run op by op as PyTorch does.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["train", var which, var storage, var count]:
        StorageRun.Train(which, storage == "bfloat16", int.Parse(count));
        return;
    case ["storage", ..]:
        StorageComparison.Run(args.Length > 1 ? int.Parse(args[1]) : 100);
        return;
}

var image = new TensorType(DType.Float32, Shape.Of(3, 32, 32));
foreach (var (name, sample, batch) in new[]
{
    ("resnet18", image, 32), ("resnet50", image, 32), ("lenet", new TensorType(DType.Float32, Shape.Of(1, 28, 28)), 64),
    ("mlp", new TensorType(DType.Float32, Shape.Of(784)), 128), ("char-lstm", new TensorType(DType.Int32, Shape.Of(64)), 32), ("gpt-mini", new TensorType(DType.Int32, Shape.Of(128)), 8),
})
{
    if (args.Length > 0 && args[0] != name)
        continue;
    int classes = name == "gpt-mini" ? 96 : sample.DType == DType.Int32 ? 65 : 10;
    var model = ModelCatalog.Create(name, sample.Shape, classes);
    double eager = sample.DType == DType.Int32 ? double.NaN : EagerStep.PeakBytes(model, sample.Shape, batch);
    foreach (var (shards, half) in new[] { (1, false), (1, true), (8, false), (8, true) })
    {
        var label = new TensorType(DType.Int32, sample.DType == DType.Int32 ? sample.Shape : Shape.Scalar);
        var job = new TrainingDefinition(model, new SoftmaxCrossEntropy(), name == "gpt-mini" ? new AdamW() : new Sgd { Momentum = 0.9 }, sample, label, classes, shards, 1, 1000) { IsHalfStored = half };
        var local = new ShardRange(0, shards);
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var plan = TrainingCompiler.Compile(job, local, [BatchLayout.Of(batch, shards, local)], [], []).Plan;
        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (args.Length > 1 && args[1] == $"{shards}")
            Timeline.Write(plan, args.Length > 2);
        long held = plan.Blocks.Where(b => b.Kind == BlockKind.Variable).Sum(b => b.Bytes), step = plan.ArenaBytes - held;
        var gradients = plan["gradients/0"];
        long scratch = Backends.ScratchBytes(new DeviceDescription("cpu", 0, 2), plan);
        string again = gradients.Recomputed is { } r
            ? $"; {r.Steps} steps again, {r.Flops / r.FlopsOnce:0.0 %} more arithmetic, {r.Traffic / r.TrafficOnce:0.0 %} more bytes" : "";
        string against = double.IsNaN(eager) ? "" : $", eager {eager / 1048576.0:0.0} MiB, ratio {step / eager:0.000}";
        Console.WriteLine($"{name} batch {batch}, {shards} shard(s){(half ? ", bfloat16" : "")}: {step / 1048576.0:0.0} MiB{against}; kernels' scratch {scratch / 1048576.0:0.0} MiB beside it; "
            + $"arena {(double)plan.ArenaBytes / plan.LiveBytes:0.000} x live; kernels {gradients.Operations.Length}; compiled in {seconds:0.0} s{again}");
    }
}
