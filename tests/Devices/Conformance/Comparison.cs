using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Runs a kernel on a backend and on the reference, and compares every byte of every block, those not written included.</summary>
public static class Comparison
{
    public static void Check(IBackend tested, Kernel kernel, IReadOnlyList<(DType Type, byte[] Data)> blocks)
    {
        using var reference = new ReferenceBackend();
        Check(tested, kernel, blocks, Run(reference, kernel, blocks));
    }

    public static void Check(IBackend tested, Kernel kernel, IReadOnlyList<(DType Type, byte[] Data)> blocks, byte[][] expected)
    {
        var actual = Run(tested, kernel, blocks);
        for (int i = 0; i < blocks.Count; i++)
        {
            // What passes from link to link need not be left in memory.
            if (kernel is ChainKernel chain && chain.Passing.Contains(i))
                continue;
            if (Difference(blocks[i].Type, expected[i], actual[i]) is { } difference)
                Assert.Fail($"{tested.Properties.Description}: block {i}, {difference}\n{Describe(kernel)}");
        }
    }

    /// <summary>What the blocks hold after the kernel.</summary>
    public static byte[][] Run(IBackend backend, Kernel kernel, IReadOnlyList<(DType Type, byte[] Data)> blocks)
    {
        var memory = blocks.Select(b => backend.Allocate(b.Data.Length)).ToArray();
        for (int i = 0; i < memory.Length; i++)
            backend.Upload(blocks[i].Data, memory[i], 0);
        var compiled = backend.Compile(kernel, [.. memory.Select(m => new BlockAddress(m, 0))]);
        var scratch = compiled.ScratchBytes > 0 ? backend.Allocate(compiled.ScratchBytes) : null;
        backend.Launch(compiled, scratch);
        backend.Synchronize();
        var result = blocks.Select(b => new byte[b.Data.Length]).ToArray();
        for (int i = 0; i < memory.Length; i++)
        {
            backend.Download(memory[i], 0, result[i]);
            backend.Free(memory[i]);
        }

        if (scratch is not null)
            backend.Free(scratch);
        return result;
    }

    private static string Describe(Kernel kernel)
    {
        var lines = new List<string> { kernel.GetType().Name };
        if (kernel is GroupKernel group)
            return string.Join('\n', [lines[0], .. group.Links.Select(l => Describe(l.Kernel))]);
        if (kernel is ChainKernel chain)
            return string.Join('\n', [$"{lines[0]} of {chain.Rows} rows, passing {string.Join(", ", chain.Passing)}", .. chain.Links.Select(l => Describe(l.Kernel))]);
        lines.AddRange(kernel.Inputs.Select(o => $"  in  {Describe(o)}"));
        lines.AddRange(kernel.Outputs.Select(o => $"  out {Describe(o)}"));
        var program = kernel is MapKernel map ? map.Program : kernel is ReduceKernel reduce ? reduce.Program : null;
        if (kernel is ReduceKernel { Axes: var axes, Reduction: var reduction })
            lines.Add($"  {reduction} over {string.Join(", ", axes)}");
        lines.AddRange(program?.Instructions.Select((step, i) => $"  {i}: {step.Op} {step.Type} {step.A} {step.B} {step.C} #{step.Index} {step.Value}") ?? []);
        if (program is not null)
            lines.Add($"  results {string.Join(", ", program.Results)}");
        return string.Join('\n', lines);
    }

    private static string Describe(Operand operand) =>
        $"block {operand.Block} {operand.DType}{operand.Shape} strides {string.Join(", ", operand.Strides)} offset {operand.Offset}";

    // One NaN is as good as another: processors choose their payload by the order of operands.
    private static string? Difference(DType type, byte[] expected, byte[] actual) => type switch
    {
        DType.Float32 => First(MemoryMarshal.Cast<byte, float>(expected), MemoryMarshal.Cast<byte, float>(actual), (a, b) =>
            BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b))),
        DType.Float64 => First(MemoryMarshal.Cast<byte, double>(expected), MemoryMarshal.Cast<byte, double>(actual), (a, b) =>
            BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b))),
        DType.BFloat16 => First(MemoryMarshal.Cast<byte, ushort>(expected), MemoryMarshal.Cast<byte, ushort>(actual), (a, b) =>
            a == b || (float.IsNaN(BFloat16.ToSingle(a)) && float.IsNaN(BFloat16.ToSingle(b)))),
        DType.Int32 => First(MemoryMarshal.Cast<byte, int>(expected), MemoryMarshal.Cast<byte, int>(actual), (a, b) => a == b),
        DType.Int64 => First(MemoryMarshal.Cast<byte, long>(expected), MemoryMarshal.Cast<byte, long>(actual), (a, b) => a == b),
        _ => First<byte>(expected, actual, (a, b) => a == b),
    };

    private static string? First<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, Func<T, T, bool> same)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (!same(expected[i], actual[i]))
                return $"element {i} is {actual[i]}, not {expected[i]}";
        }

        return null;
    }
}
