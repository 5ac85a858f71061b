using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Links one after the other for some rows, then for the next. What only passes from link to link lies in the thread's scratch, where the next rows
/// find it in the cache again, and never goes to memory.
/// </summary>
internal sealed unsafe class CpuChain : CpuKernel
{
    private readonly Link[] links;
    private readonly long rows, chunk;
    private readonly long passingBytes;
    private readonly int operandsMost;
    private readonly Work work;

    /// <param name="chunk">Rows at once.</param>
    public CpuChain(ChainKernel kernel, long chunk, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        (rows, work) = (kernel.Rows, context.Work);
        Kernel[] kernels = [.. kernel.Links.Select(l => l.Kernel)];
        var compiled = new CpuPoints[kernels.Length];
        var fetched = new HashSet<Operand>();
        for (int i = 0; i < compiled.Length; i++)
        {
            var link = kernels[i];
            int axes = RowWindow.Axes(link.Outputs[0].Shape, rows);
            long[] ahead = [.. link.Inputs.Select(s => Ahead(s, kernels, i, chunk, fetched))];
            compiled[i] = link is MapKernel map
                ? new CpuMap(map, blocks, context, axes, mayPass: !IsTouched(map.Targets, kernel.Passing, kernels.AsSpan(i + 1)), ahead)
                : (CpuPoints)CpuReduce.Compile((ReduceKernel)link, blocks, context, axes, ahead);
            // What goes past the caches goes by whole lines.
            if (compiled[i] is CpuMap { IsPast: true } && link.Outputs.Max(o => Lines(o, rows)) is var lines)
                chunk = (chunk + lines - 1) / lines * lines;
        }

        this.chunk = chunk;
        var places = new Dictionary<int, Place>();
        foreach (int block in kernel.Passing)
        {
            var windows = kernels.SelectMany(l => l.Inputs.Concat(l.Outputs)).Where(o => o.Block == block).Select(o => RowWindow.Of(o, rows)).ToArray();
            places[block] = new Place(passingBytes, windows.Min(w => w.First), windows[0].Step!.Value);
            passingBytes += (chunk * places[block].Step + Cache.LineBytes - 1) / Cache.LineBytes * Cache.LineBytes;
        }

        links = [.. kernels.Zip(compiled, (link, points) => Link.Of(link, points, rows, places))];
        operandsMost = links.Max(l => l.Start.Length);
    }

    public override long ScratchBytesPerThread => passingBytes + links.Max(l => l.Kernel.ScratchBytesPerThread);

    public override int Parts(int threads) => work.Parts(links.Sum(l => l.Kernel.Effort), threads, most: (rows + chunk - 1) / chunk);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(rows, chunk, part, parts);
        byte** start = stackalloc byte*[operandsMost];
        for (; first < end; first += chunk)
        {
            long next = Math.Min(end, first + chunk);
            foreach (var link in links)
            {
                for (int i = 0; i < link.Start.Length; i++)
                    start[i] = (byte*)link.Start[i] + (link.Steps[i] == 0 ? 0 : (nint)scratch - (nint)(first * link.Steps[i]));
                link.Kernel.Points(start, first * link.Points, next * link.Points, scratch + passingBytes);
            }
        }
    }

    /// <summary>
    /// What comes from memory is waited for by the first link that reads it, and only by that. A later one that reads it again and computes has the next
    /// rows fetched meanwhile.
    /// </summary>
    private long Ahead(Operand source, Kernel[] links, int link, long chunk, HashSet<Operand> fetched)
    {
        var window = RowWindow.Of(source, rows);
        bool isRead = links.AsSpan(0, link).ToArray().Any(l => l.Inputs.Contains(source)), isMade = links.Any(l => l.Outputs.Any(o => o.Block == source.Block));
        return isRead && !isMade && window.Step is { } step && step == window.End - window.First && Cache.IsInMemory(step * rows) && fetched.Add(source) ? chunk * step : 0;
    }

    private static bool IsTouched(IEnumerable<Operand> targets, IReadOnlyList<int> passing, ReadOnlySpan<Kernel> later)
    {
        foreach (var target in targets)
        {
            if (passing.Contains(target.Block))
                return true;
            foreach (var link in later)
            {
                if (link.Inputs.Concat(link.Outputs).Any(o => o.Block == target.Block))
                    return true;
            }
        }

        return false;
    }

    /// <summary>How many rows are whole lines.</summary>
    private static long Lines(Operand target, long rows)
    {
        long bytes = target.Shape.Count / rows * target.DType.Size();
        return Cache.LineBytes / Math.Min(Cache.LineBytes, bytes & -bytes);
    }

    /// <summary>Where a block that only passes lies in scratch, where in the block row 0 begins, and what a row takes.</summary>
    private sealed record Place(long Offset, long First, long Step);

    /// <param name="Kernel">What is done.</param>
    /// <param name="Points">For each row.</param>
    /// <param name="Start">Where operands begin: in memory, or relative to scratch where they pass.</param>
    /// <param name="Steps">Bytes from row to row of what passes; 0 for what lies in memory.</param>
    private sealed record Link(CpuPoints Kernel, long Points, nint[] Start, long[] Steps)
    {
        public static Link Of(Kernel kernel, CpuPoints points, long rows, Dictionary<int, Place> places)
        {
            Operand[] operands = [.. kernel.Inputs, .. kernel.Outputs];
            nint[] start = [.. points.Start];
            var steps = new long[operands.Length];
            for (int i = 0; i < operands.Length; i++)
            {
                if (!places.TryGetValue(operands[i].Block, out var place))
                    continue;
                start[i] = (nint)(place.Offset + operands[i].Offset * operands[i].DType.Size() - place.First);
                steps[i] = place.Step;
            }

            return new Link(points, points.Count / rows, start, steps);
        }
    }
}
