using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Maps side by side, cut as if they were one: a part is as much work as any other, be it a piece of one large map or a dozen small ones.
/// </summary>
internal sealed unsafe class CpuGroup(GroupKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) : CpuKernel
{
    private readonly CpuMap[] maps = [.. kernel.Links.Select(l => new CpuMap((MapKernel)l.Kernel, blocks, context)).Where(m => m.Count > 0)];
    private Cut[] cuts = [];

    public override int Parts(int threads)
    {
        long effort = maps.Sum(m => m.Effort);
        int parts = context.Work.Parts(effort, threads, most: maps.Sum(m => m.Grains));
        cuts = [.. Enumerable.Range(0, parts + 1).Select(i => CutAt((long)((Int128)effort * i / Math.Max(1, parts))))];
        return parts;
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (from, to) = (cuts[part], cuts[part + 1]);
        for (int i = from.Map; i < maps.Length && i <= to.Map; i++)
        {
            var map = maps[i];
            long first = i == from.Map ? from.Point : 0, end = i == to.Map ? to.Point : map.Count;
            if (first == end)
                continue;
            fixed (nint* start = map.Start)
                map.Points((byte**)start, first, end, scratch);
        }
    }

    /// <summary>Where so much of the effort is done: whole grains of a map, so that what goes past the caches goes by whole lines.</summary>
    private Cut CutAt(long effort)
    {
        for (int i = 0; i < maps.Length; i++)
        {
            var map = maps[i];
            if (effort < map.Effort)
                return new Cut(i, (long)((Int128)map.Grains * effort / map.Effort) * map.Grain);
            effort -= map.Effort;
        }

        return new Cut(maps.Length, 0);
    }

    /// <summary>Up to a point of a map, with all maps before it.</summary>
    private readonly record struct Cut(int Map, long Point);
}
