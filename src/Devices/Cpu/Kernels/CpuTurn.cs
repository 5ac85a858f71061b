using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A copy from where one dimension lies side by side to where another does: what a map would fetch element by element.</summary>
internal sealed unsafe class CpuTurn : CpuKernel
{
    private const int Block = 64, SideMin = 8;

    private readonly nint[] start;
    private readonly Odometer outer;
    private readonly Dimension steps, columns;
    private readonly int blocks;
    private readonly Work work;

    private CpuTurn(MapKernel kernel, Dimension steps, Dimension columns, LoopNest outer, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        (this.steps, this.columns, work) = (steps, columns, context.Work);
        Operand[] operands = [kernel.Sources[0], kernel.Targets[0]];
        start = Addresses(operands, blocks);
        this.outer = new Odometer(outer, operands);
        this.blocks = checked((int)((steps.Size + Block - 1) / Block));
    }

    /// <summary>Null where the copy is none of this kind.</summary>
    public static CpuTurn? Of(MapKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        if (kernel is not { Program.Instructions: [{ Op: ScalarOp.Argument }], Sources: [var source], Targets: [var target] } || target.DType is not (DType.Float32 or DType.Int32))
            return null;
        var dimensions = Enumerable.Range(0, target.Shape.Rank).Select(axis => Dimension.Of(axis, target, [source, target]));
        var nest = LoopNest.Collapse(dimensions.OrderByDescending(d => d.Strides[1]));
        if (nest.Rank < 2 || nest.Innermost is not { Size: >= SideMin, Strides: [> 1, 1] } columns || columns.Size > int.MaxValue
            || nest.Dimensions.FirstOrDefault(d => d is { Size: >= SideMin, Strides: [1, > 1] }) is not { } steps)
            return null;
        return new CpuTurn(kernel, steps, columns, new LoopNest([.. nest.Dimensions.Where(d => d != steps && d != columns)]), blocks, context);
    }

    public override int Parts(int threads) => work.Parts(outer.Count * steps.Size * columns.Size, 1, threads, most: outer.Count * blocks);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(outer.Count * blocks, 1, part, parts);
        byte** pointers = stackalloc byte*[2];
        long* index = stackalloc long[Odometer.MaxRank];
        for (long unit = first; unit < end; unit++)
        {
            fixed (nint* origin = start)
                outer.Seek(unit / blocks, (byte**)origin, pointers, index);
            long step = unit % blocks * Block;
            Packing.Turn((float*)pointers[0] + step, (nint)columns.Strides[0], (int)Math.Min(Block, steps.Size - step), (int)columns.Size,
                (float*)pointers[1] + step * steps.Strides[1], (nint)steps.Strides[1]);
        }
    }
}
