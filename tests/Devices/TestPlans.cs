using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests;

/// <summary>Plans whose kernels are only tokens: what matters is what they read and write.</summary>
internal static class TestPlans
{
    public const int BlockBytes = 64;

    public static Plan Of(int blocks, params Section[] sections) =>
        new([.. Enumerable.Range(0, blocks).Select(i => new Block(i, $"b{i}", BlockKind.Variable, BlockBytes, i * BlockBytes))],
            (long)blocks * BlockBytes, (long)blocks * BlockBytes, ImmutableDictionary<int, ImmutableArray<byte>>.Empty, [.. sections]);

    public static Section Section(string name, params Operation[] operations) => new(name, [.. operations], []);

    /// <summary>Block <paramref name="to"/> from <paramref name="from"/>; nothing real is computed.</summary>
    public static Operation Work(string name, int[] from, int[] to) =>
        new(name, new RandomKernel(0, 0, null, Whole(to.FirstOrDefault())), [.. from], [.. to]);

    public static Operation Exchange(int bucket, int block, int rows = 1) =>
        new($"exchange {bucket}", new ExchangeKernel(bucket, Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(rows, 16 / rows)))), [block], [block]);

    public static Operation Upload(int slot, int block) => new($"upload {slot}", new UploadKernel(slot, Whole(block)), [], [block]);

    public static Operation Download(int slot, int block) => new($"download {slot}", new DownloadKernel(slot, Whole(block)), [block], []);

    public static Operand Whole(int block) => Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(16)));
}
