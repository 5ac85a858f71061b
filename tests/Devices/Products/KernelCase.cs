using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Products;

/// <summary>One kernel on seeded data, on the reference and on a backend under test, compared bit by bit.</summary>
internal sealed class KernelCase(int seed)
{
    private readonly System.Random random = new(seed);
    private readonly List<long> blocks = [];

    /// <summary>Which part of all numbers is infinite.</summary>
    public double Infinities { get; set; }

    public int Next(int low, int high) => random.Next(low, high + 1);

    public T Any<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    /// <summary>A tensor in a block of its own, with its axes in any order in memory and gaps between rows.</summary>
    public Operand Strided(DType type, params long[] dims)
    {
        var order = Enumerable.Range(0, dims.Length).ToArray();
        random.Shuffle(order);
        var strides = new long[dims.Length];
        long next = 1;
        foreach (int axis in order)
        {
            strides[axis] = next;
            next = next * Math.Max(1, dims[axis]) + Any(0, 0, 1, 3);
        }

        long offset = Any(0, 0, 5);
        return Block(new Operand(blocks.Count, type, Shape.Of(dims), [.. strides], offset), next + offset);
    }

    public Operand Plain(DType type, params long[] dims) => Block(Operand.Contiguous(blocks.Count, new TensorType(type, Shape.Of(dims))), Shape.Of(dims).Count);

    /// <summary>Like <see cref="Plain"/>, repeated along some axes.</summary>
    public Operand Repeated(DType type, params long[] dims)
    {
        var kept = dims.Select(d => Any(d, d, 1)).ToArray();
        var plain = Plain(type, kept);
        return plain with { Shape = Shape.Of(dims), Strides = [.. plain.Strides.Select((s, i) => kept[i] == dims[i] ? s : 0)] };
    }

    private Operand Block(Operand operand, long elements)
    {
        blocks.Add((elements + 1) * operand.DType.Size());
        return operand;
    }

    public byte[] Run(Kernel kernel, IBackend backend)
    {
        var memory = blocks.Select(backend.Allocate).ToArray();
        var addresses = memory.Select(m => new BlockAddress(m, 0)).ToArray();
        for (int i = 0; i < memory.Length; i++)
            backend.Upload(Content(i, kernel.Outputs[0].DType), memory[i], 0);
        var compiled = backend.Compile(kernel, addresses);
        var scratch = compiled.ScratchBytes > 0 ? backend.Allocate(compiled.ScratchBytes) : null;
        backend.Launch(compiled, scratch);
        backend.Launch(compiled, scratch);
        backend.Synchronize();
        int target = kernel.Outputs[0].Block;
        var result = new byte[blocks[target]];
        backend.Download(memory[target], 0, result);
        foreach (var piece in memory)
            backend.Free(piece);
        if (scratch is not null)
            backend.Free(scratch);
        return result;
    }

    private byte[] Content(int block, DType type)
    {
        var values = new System.Random(seed * 31 + block);
        var bytes = new byte[blocks[block]];
        if (type == DType.Float32)
        {
            foreach (ref float x in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            {
                x = (float)(values.NextDouble() * 2 - 1);
                if (Infinities > 0 && values.NextDouble() < Infinities)
                    x /= 0;
            }
        }
        else
        {
            foreach (ref double x in MemoryMarshal.Cast<byte, double>(bytes.AsSpan()))
                x = values.NextDouble() * 2 - 1;
        }

        return bytes;
    }

    public ImmutableArray<ShardRange> Tree(int shards)
    {
        int cut = Next(0, shards);
        return cut == 0 || cut == shards ? [new ShardRange(0, shards)] : [new ShardRange(0, cut), new ShardRange(cut, shards - cut)];
    }
}
