using System.Globalization;
using Singa.Actors.Bench.Kernels;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

// Products and convolutions of one thread as shares of the multiply-add peak measured beside them. Flops are those of the mathematics:
// zeros that padding makes a kernel multiply do not count. Peak and workloads take turns, so that a slow minute slows both.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Rounds = 7;
using var backend = new CpuBackend(0, new CpuOptions { Threads = 1 });
if (args is ["accuracy"])
{
    Accuracy.Print(backend);
    return;
}

List<Workload> workloads =
[
    .. new[] { 64, 128, 256, 512, 1024 }.Select(n => Product($"sgemm {n}", n, n, n, "nn")),
    Product("fc1 forward 64x800·800x500ᵀ", 64, 500, 800, "nt"),
    Product("fc1 input gradient 64x500·500x800", 64, 800, 500, "nn"),
    Product("fc2 forward 64x500·500x10ᵀ", 64, 10, 500, "nt"),
    Shards("fc1 weight gradient, 1 shard of 64", 1, 64, 500, 800),
    Shards("fc1 weight gradient, 8 shards of 8", 8, 8, 500, 800),
    .. Convolutions("conv1 1→20@5x5 on 28x28", 64, 1, 20, 28),
    .. Convolutions("conv2 20→50@5x5 on 12x12", 64, 20, 50, 12),
];

var results = workloads.ToDictionary(w => w, _ => new List<(double Speed, double Share)>());
double best = 0;
for (int round = 0; round < Rounds; round++)
{
    foreach (var workload in workloads)
    {
        double peak = Peak.Measure(), speed = workload.Measure();
        best = Math.Max(best, peak);
        results[workload].Add((speed, speed / peak));
    }
}

Console.WriteLine($"{Processor()}, one thread, float32, {(int)VectorWidths.Widest * 8}-bit vectors; peak {best:0} GFLOP/s; medians of {Rounds} rounds");
foreach (var workload in workloads)
{
    var median = results[workload].OrderBy(r => r.Share).ElementAt(Rounds / 2);
    Console.WriteLine($"{workload.Name,-42} {median.Speed,7:0.0} GFLOP/s  {median.Share,6:0.0 %} of peak");
    workload.Dispose();
}

Workload Product(string name, int m, int n, int k, string form)
{
    Operand a = Matrix(0, m, k, form[0] == 't'), b = Matrix(1, k, n, form[1] == 't');
    return new Workload(backend, name, 2.0 * m * n * k, new ContractKernel(a, b, Matrix(2, m, n, false), [], null));
}

Workload Shards(string name, int shards, int samples, int outputs, int inputs)
{
    var up = new Operand(0, DType.Float32, Shape.Of(shards, outputs, samples), [samples * outputs, 1, outputs], 0);
    var x = Plain(1, shards, samples, inputs);
    return new Workload(backend, name, 2.0 * shards * samples * outputs * inputs, new ContractKernel(up, x, Plain(2, 1, outputs, inputs), [new ShardRange(0, shards)], null));
}

IEnumerable<Workload> Convolutions(string name, int samples, int channels, int outputs, int size)
{
    int result = size - 4;
    double flops = 2.0 * samples * channels * outputs * 25 * result * result;
    Operand image = Plain(0, samples, channels, size, size), filter = Plain(1, outputs, channels, 5, 5), y = Plain(2, samples, outputs, result, result);
    yield return new Workload(backend, $"{name} forward", flops, new ConvolveKernel(ConvolveForm.Forward, new Window2D(5, 5), 1, image, filter, y, [], null));
    yield return new Workload(backend, $"{name} image gradient", flops, new ConvolveKernel(ConvolveForm.ImageGradient, new Window2D(5, 5), 1, image, filter, y, [], null));
    foreach (int shards in new[] { 1, 8 })
    {
        yield return new Workload(backend, $"{name} filter gradient, {shards} shards", flops, new ConvolveKernel(ConvolveForm.FilterGradient, new Window2D(5, 5), 1,
            Plain(0, shards, samples / shards, channels, size, size), Plain(1, 1, outputs, channels, 5, 5), Plain(2, shards, samples / shards, outputs, result, result), [new ShardRange(0, shards)], null));
    }
}

Operand Matrix(int block, int rows, int columns, bool transposed) => transposed
    ? new Operand(block, DType.Float32, Shape.Of(rows, columns), [1, rows], 0) : Plain(block, rows, columns);

Operand Plain(int block, params long[] dims) => Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(dims)));

static string Processor() => OperatingSystem.IsLinux()
    ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name"))?.Split(':')[1].Trim() ?? "unknown processor"
    : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown processor";
