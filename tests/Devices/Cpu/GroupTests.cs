using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Cpu;

/// <summary>How a group of maps is cut for threads.</summary>
public sealed class GroupTests
{
    // A weight, and biases around it that start at cache lines.
    private static readonly int[] Lengths = [10, 64, 100_000, 1, 130, 700, 64, 3];

    private static readonly ScalarProgram Next = ScalarBody.Compile([DType.Float32], Scalar.Argument(0, DType.Float32) + 1);

    /// <summary>Each part alone: one does about as many elements as another, and each cache line is one part's.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    public unsafe void Parts_are_even_and_share_no_cache_line(int threads)
    {
        var places = Lengths.Aggregate(new List<long> { 0 }, (all, length) => [.. all, (all[^1] + length + 15) / 16 * 16]);
        int count = (int)places[^1];
        var context = new CpuContext(new CpuOptions { Threads = threads, WorkPerPart = 100 });
        var memory = new CpuMemory(count * sizeof(float));
        var group = new GroupKernel([.. Lengths.Select((length, i) =>
            new LinkedKernel($"{i}", new MapKernel(Next, [Place(i)], [Place(i)])))]);
        var kernel = (CpuKernel)CpuBackend.Compile(group, [new BlockAddress(memory, 0)], context);
        Assert.Equal(4 * threads, kernel.PartCount);
        var values = new Span<float>(memory.Pointer, count);
        var touched = new int[(count + 15) / 16];
        for (int part = 0; part < kernel.PartCount; part++)
        {
            values.Clear();
            kernel.Run(part, kernel.PartCount, 0, null);
            int done = values.Length - values.Count(0f);
            Assert.InRange(done, Lengths.Sum() / kernel.PartCount - 200, Lengths.Sum() / kernel.PartCount + 200);
            for (int line = 0; line < touched.Length; line++)
                touched[line] += values.Slice(16 * line, Math.Min(16, count - 16 * line)).ContainsAnyExcept(0f) ? 1 : 0;
        }

        Assert.All(touched, times => Assert.Equal(1, times));
        memory.Free();

        Operand Place(int link) => Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(Lengths[link])), places[link]);
    }

    /// <summary>What no cache holds goes past them, by whole lines; what is small beside it does not.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Results_beyond_the_caches_are_all_there(int threads)
    {
        const int large = (9 << 20) + 5, small = 100;
        using var cpu = new CpuBackend(0, new CpuOptions { Threads = threads });
        DeviceMemory[] memory = [.. new[] { 1, large, small, large }.Select(count => cpu.Allocate(count * sizeof(float)))];
        var one = Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Scalar));
        var group = new GroupKernel([.. new[] { large, small, large }.Select((count, i) => new LinkedKernel($"{i}", new MapKernel(
            Next, [one with { Shape = Shape.Of(count), Strides = [0] }], [Operand.Contiguous(i + 1, new TensorType(DType.Float32, Shape.Of(count)))])))]);
        cpu.Launch(cpu.Compile(group, [.. memory.Select(m => new BlockAddress(m, 0))]), null);
        var read = new float[large];
        foreach (var (block, count) in new[] { (1, large), (2, small), (3, large) })
        {
            read.AsSpan().Clear();
            cpu.Download(memory[block], 0, MemoryMarshal.AsBytes(read.AsSpan(0, count)));
            Assert.Equal(-1, read.AsSpan(0, count).IndexOfAnyExcept(1f));
        }

        Array.ForEach(memory, cpu.Free);
    }

    [Fact]
    public void Nothing_to_do_is_no_part()
    {
        var context = new CpuContext(new CpuOptions { Threads = 2 });
        var memory = new CpuMemory(64);
        var empty = Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(0)));
        var link = new LinkedKernel("", new MapKernel(Next, [empty], [empty]));
        Assert.Equal(0, ((CpuKernel)CpuBackend.Compile(new GroupKernel([link, link]), [new BlockAddress(memory, 0)], context)).PartCount);
        memory.Free();
    }
}
