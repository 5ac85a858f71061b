using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Kernels;

/// <summary>
/// How far 3×3 convolutions in float32, Winograd and direct, are from float64: largest and root mean square difference, both relative to the root
/// mean square of the float64 result. All values are drawn from N(0, 1).
/// </summary>
internal static class Accuracy
{
    private const int Samples = 4;

    public static void Print(IBackend backend)
    {
        Console.WriteLine("3x3 convolutions against float64, differences ÷ rms of the result: largest (rms)");
        foreach (var (channels, size) in new[] { (64, 32), (128, 16), (256, 8), (512, 4) })
        {
            foreach (var form in new[] { ConvolveForm.Forward, ConvolveForm.ImageGradient, ConvolveForm.FilterGradient })
            {
                double[] exact = Run<double>(backend, form, channels, size, winograd: false);
                Console.WriteLine($"{channels} channels, {size}x{size}, {form,-14}  winograd {Far(exact, Run<float>(backend, form, channels, size, true))}  direct {Far(exact, Run<float>(backend, form, channels, size, false))}");
            }
        }
    }

    private static string Far(double[] exact, double[] found)
    {
        double rms = Math.Sqrt(exact.Average(e => e * e));
        double[] errors = [.. exact.Zip(found, (e, f) => Math.Abs(e - f) / rms)];
        return $"{errors.Max():0.0E+0} ({Math.Sqrt(errors.Average(e => e * e)):0.0E+0})";
    }

    private static double[] Run<T>(IBackend backend, ConvolveForm form, int channels, int size, bool winograd)
        where T : unmanaged, System.Numerics.IFloatingPoint<T>
    {
        var type = typeof(T) == typeof(float) ? DType.Float32 : DType.Float64;
        Operand[] operands = [Plain(0, Samples, channels, size, size), Plain(1, channels, channels, 3, 3), Plain(2, Samples, channels, size, size)];
        var kernel = new ConvolveKernel(form, new Window2D(3, 3, PadTop: 1, PadLeft: 1), 1, operands[0], operands[1], operands[2], [], null, Winograd: winograd);
        var memory = operands.Select(o => backend.Allocate(o.Shape.Count * type.Size())).ToArray();
        var random = new System.Random(1);
        for (int i = 0; i < operands.Length; i++)
        {
            var values = new T[operands[i].Shape.Count];
            for (int j = 0; j < values.Length; j++)
                // Representable in both types, so that all compute with the same numbers.
                values[j] = T.CreateChecked((float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
            backend.Upload(MemoryMarshal.AsBytes<T>(values), memory[i], 0);
        }

        var compiled = backend.Compile(kernel, [.. memory.Select(m => new BlockAddress(m, 0))]);
        var scratch = compiled.ScratchBytes > 0 ? backend.Allocate(compiled.ScratchBytes) : null;
        backend.Launch(compiled, scratch);
        backend.Synchronize();
        var result = new T[kernel.Target.Shape.Count];
        backend.Download(memory[kernel.Target.Block], 0, MemoryMarshal.AsBytes(result.AsSpan()));
        foreach (var piece in scratch is null ? memory : [.. memory, scratch])
            backend.Free(piece);
        return [.. result.Select(double.CreateChecked)];

        Operand Plain(int block, params long[] dims) => Operand.Contiguous(block, new TensorType(type, Shape.Of(dims)));
    }
}
