using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Cpu;

public sealed class CpuBackendTests
{
    private static readonly ScalarProgram Square = new(
        [DType.Float32],
        [new ScalarInstruction(ScalarOp.Argument, DType.Float32), new ScalarInstruction(ScalarOp.Multiply, DType.Float32, 0, 0)],
        [1]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void LaunchingAllocatesNothing(int threads)
    {
        using var cpu = new CpuBackend(0, new CpuOptions { Threads = threads, WorkPerPart = 1000 });
        var memory = cpu.Allocate(1 << 20);
        var (image, gradient) = (Float(0, 0, 2, 3, 8, 8), Float(0, 4096, 2, 3, 4, 4));
        Kernel[] kernels =
        [
            new MapKernel(Square, [Float(0, 0, 70, 65)], [Float(0, 8192, 70, 65)]),
            new GroupKernel([.. new[] { 70, 1, 9 }.Select((rows, i) => new LinkedKernel("", new MapKernel(Square, [Float(0, 0, rows, 65)], [Float(0, 8192 * (i + 1), rows, 65)])))]),
            new ReduceKernel(Reduction.Sum, Square, [Float(0, 0, 70, 65)], [1], Float(0, 8192, 70, 1)),
            new ReduceKernel(Reduction.Sum, Square, [Float(0, 0, 70, 65)], [0], Float(0, 8192, 1, 65)),
            new MaxPoolKernel(new Window2D(2, 2, 2, 2), image, null, gradient),
            new MaxPoolKernel(new Window2D(2, 2, 2, 2), image, gradient, Float(0, 8192, 2, 3, 8, 8)),
            new RandomKernel(1, 2, null, Operand.Contiguous(0, new TensorType(DType.Int32, Shape.Of(5000)))),
            new ShardSumKernel(Float(0, 0, 3, 1000), [new ShardRange(0, 3)], Float(0, 8192, 1, 1000)),
        ];
        var compiled = kernels.Select(k => cpu.Compile(k, [new BlockAddress(memory, 0)])).ToArray();
        var scratch = cpu.Allocate(compiled.Max(k => k.ScratchBytes));
        Launch();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Launch();

        // Less than a byte a launch: the runtime itself allocates now and then, for the first wake-up of a thread for instance.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000 * kernels.Length);
        cpu.Free(scratch);
        cpu.Free(memory);

        void Launch()
        {
            foreach (var kernel in compiled)
                cpu.Launch(kernel, scratch);
        }
    }

    [Fact]
    public void MemoryIsZeroedAlignedAndBounded()
    {
        using var cpu = new CpuBackend(3, new CpuOptions { Threads = 1 });
        Assert.Equal("cpu:3", cpu.Properties.Name);
        foreach (int bytes in new[] { 0, 1, 4095, 3 << 20 })
        {
            var memory = (CpuMemory)cpu.Allocate(bytes);
            Assert.Equal(0, memory.HostAddress % 64);
            var read = new byte[bytes];
            read.AsSpan().Fill(1);
            cpu.Download(memory, 0, read);
            Assert.All(read.Chunk(1 << 16), chunk => Assert.Equal(-1, chunk.AsSpan().IndexOfAnyExcept((byte)0)));
            Assert.Throws<ArgumentOutOfRangeException>(() => cpu.Upload([1, 2], memory, bytes - 1));
            cpu.Free(memory);
        }
    }

    [Fact]
    public void WhatCannotBeAllocatedSaysHowMuch()
    {
        using var cpu = new CpuBackend(0, new CpuOptions { Threads = 1 });
        var thrown = Assert.Throws<OutOfDeviceMemoryException>(() => cpu.Allocate(1L << 56));
        Assert.Contains("cpu:0 cannot allocate 68719476736.0 MiB", thrown.Message);
    }

    [Fact]
    public void AWidthOrATeamThatDoesNotExistIsRefused()
    {
        Assert.Throws<ArgumentException>(() => new CpuBackend(0, new CpuOptions { Threads = 0 }));
        Assert.Throws<ArgumentException>(() => new CpuBackend(0, new CpuOptions { Width = (VectorWidth)128 }));
    }

    private static Operand Float(int block, long offset, params long[] dims) =>
        Operand.Contiguous(block, new TensorType(DType.Float32, Shape.Of(dims)), offset);
}
