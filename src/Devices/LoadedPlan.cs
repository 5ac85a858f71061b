using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>
/// A plan on a device: its memory, its constants, its kernels. Owned by whoever loaded it; <see cref="Dispose"/> frees the memory.
/// </summary>
public sealed class LoadedPlan : IDisposable
{
    private readonly BlockAddress[] addresses;
    private readonly CompiledKernel?[][] kernels;
    private readonly DeviceMemory? arena;
    private readonly IDeviceThread thread;

    private LoadedPlan(IBackend backend, Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external, IDeviceThread thread)
    {
        Backend = backend;
        Plan = plan;
        this.thread = thread;
        addresses = new BlockAddress[plan.Blocks.Length];
        kernels = [.. plan.Sections.Select(s => new CompiledKernel?[s.Operations.Length])];
        try
        {
            var (offsets, bytes) = Arena(plan, external);
            arena = bytes > 0 ? backend.Allocate(bytes) : null;
            PlannedBytes = bytes + Place(external, offsets);
            foreach (var (block, content) in plan.Constants)
                backend.Upload(content.AsSpan(), addresses[block].Memory, addresses[block].Offset);
            long scratch = Compile();
            Scratch = scratch > 0 ? backend.Allocate(scratch) : null;
            foreach (var form in Kept)
                form.Memory = backend.Allocate(form.Bytes);
            PlannedBytes += scratch + Kept.Sum(f => f.Bytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Plan Plan { get; }

    public IBackend Backend { get; }

    /// <summary>Where each block lies, by its number.</summary>
    public IReadOnlyList<BlockAddress> Addresses => addresses;

    /// <summary>Working memory of whichever kernel runs; null where none needs any.</summary>
    public DeviceMemory? Scratch { get; }

    /// <summary>All that this plan occupies on the device: arena, scratch, what kernels keep, and blocks bound to others' memory.</summary>
    public long PlannedBytes { get; }

    private IEnumerable<KeptForm> Kept => addresses.Select(a => a.Resting).OfType<RestingBlock>().SelectMany(r => r.Forms);

    /// <summary>Allocates, uploads, compiles. Call on the thread that may use the backend.</summary>
    /// <param name="external">Blocks that live in memory somebody else allocated and will free, each at its beginning.</param>
    /// <exception cref="OutOfDeviceMemoryException"/>
    public static LoadedPlan Load(IBackend backend, Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external = null) =>
        new(backend, plan, external, CallingThread.Instance);

    internal static LoadedPlan Load(IBackend backend, Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external, IDeviceThread thread) =>
        new(backend, plan, external, thread);

    /// <summary>The number of a section by its name.</summary>
    /// <exception cref="KeyNotFoundException">The plan has no such section.</exception>
    public int SectionIndex(string name)
    {
        for (int i = 0; i < Plan.Sections.Length; i++)
        {
            if (Plan.Sections[i].Name == name)
                return i;
        }

        throw new KeyNotFoundException($"the plan has no section '{name}'; it has {string.Join(", ", Plan.Sections.Select(s => s.Name))}");
    }

    /// <summary>Null for operations that the executor carries out itself: uploads, downloads, exchanges.</summary>
    public CompiledKernel? Kernel(int section, int operation) => kernels[section][operation];

    /// <summary>A block's content to the host. Only while nothing of the job is queued on the device.</summary>
    /// <exception cref="ArgumentException">The span's length is not the block's.</exception>
    public unsafe void ReadBlock(int block, Span<byte> target)
    {
        Check(block, target.Length);
        var (memory, offset, _) = addresses[block];
        if (memory.HostAddress != 0)
        {
            new ReadOnlySpan<byte>((byte*)memory.HostAddress + offset, target.Length).CopyTo(target);
            return;
        }

        fixed (byte* bytes = target)
        {
            var (address, length) = ((nint)bytes, target.Length);
            thread.Run(() => Backend.Download(memory, offset, new Span<byte>((byte*)address, length)));
        }
    }

    /// <summary>A block's content from the host. Only while nothing of the job is queued on the device.</summary>
    /// <exception cref="ArgumentException">The span's length is not the block's.</exception>
    public unsafe void WriteBlock(int block, ReadOnlySpan<byte> source)
    {
        Check(block, source.Length);
        var (memory, offset, resting) = addresses[block];
        resting?.Written();
        if (memory.HostAddress != 0)
        {
            source.CopyTo(new Span<byte>((byte*)memory.HostAddress + offset, source.Length));
            return;
        }

        fixed (byte* bytes = source)
        {
            var (address, length) = ((nint)bytes, source.Length);
            thread.Run(() => Backend.Upload(new ReadOnlySpan<byte>((byte*)address, length), memory, offset));
        }
    }

    /// <summary>A bucket's rows in the host's address space.</summary>
    /// <exception cref="InvalidOperationException">The bucket lies where the host cannot reach it, or the operand is no plain block of rows.</exception>
    public HostRows HostRows(Operand rows)
    {
        if (!rows.IsContiguous || rows.Shape.Rank == 0)
            throw new InvalidOperationException($"a bucket's rows must be contiguous and lie along an axis; block {Plan.Blocks[rows.Block].Name} has shape {rows.Shape}");
        var (memory, offset, _) = addresses[rows.Block];
        int count = checked((int)rows.Shape[0]);
        long elements = 1;
        foreach (var dim in rows.Shape.Dims[1..])
            elements *= dim;
        if (memory.HostAddress == 0 && memory is not Null.NullMemory)
            throw new InvalidOperationException($"bucket {Plan.Blocks[rows.Block].Name} on {Backend.Properties.Name} is out of the host's reach; bind it to memory of a transport for this device");
        nint address = memory.HostAddress == 0 ? 0 : memory.HostAddress + (nint)(offset + rows.Offset * rows.DType.Size());
        return new HostRows(address, count, elements, rows.DType);
    }

    public void Dispose()
    {
        foreach (var memory in Kept.Select(f => f.Memory).OfType<DeviceMemory>())
            Backend.Free(memory);
        if (Scratch is not null)
            Backend.Free(Scratch);
        if (arena is not null)
            Backend.Free(arena);
    }

    /// <summary>
    /// Where blocks lie in the arena, and how large it is: what lives elsewhere leaves no gap. Blocks that outlive sections come first and
    /// do not overlap, so all that lies behind one moves up by its size.
    /// </summary>
    private static (long[] Offsets, long Bytes) Arena(Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external)
    {
        long[] offsets = [.. plan.Blocks.Select(b => b.Offset)];
        if (external is null || external.Count == 0)
            return (offsets, plan.ArenaBytes);
        foreach (var gone in plan.Blocks.Where(b => external.ContainsKey(b.Id) && b.Kind != BlockKind.Transient))
        {
            foreach (var behind in plan.Blocks.Where(b => b.Offset > gone.Offset))
                offsets[behind.Id] -= MemoryPlanner.Align(gone.Bytes);
        }

        // A block of no bytes has an address, too.
        return (offsets, plan.Blocks.Where(b => !external.ContainsKey(b.Id)).Select(b => Math.Max(1, offsets[b.Id] + b.Bytes)).DefaultIfEmpty(0).Max());
    }

    /// <summary>Gives every block its place and returns the bytes that lie outside the arena.</summary>
    private long Place(IReadOnlyDictionary<int, DeviceMemory>? external, long[] offsets)
    {
        long outside = 0;
        // A plan that trains has better use for memory, and a budget for it, also where some of its weights are frozen.
        bool trains = Plan.Blocks.Any(b => b.Kind == BlockKind.Bucket);
        var written = Plan.Sections.SelectMany(s => s.Operations).SelectMany(o => o.Writes).ToHashSet();
        for (int i = 0; i < addresses.Length; i++)
        {
            var block = Plan.Blocks[i];
            if (external is not null && external.TryGetValue(i, out var memory))
            {
                if (memory.Bytes < block.Bytes)
                    throw new ArgumentException($"block {block.Name} needs {block.Bytes} bytes and was given {memory.Bytes}", nameof(external));
                addresses[i] = new BlockAddress(memory, 0);
                outside += memory.Bytes;
            }
            else if (arena is not null)
            {
                bool rests = !trains && block.Kind is BlockKind.Variable or BlockKind.Constant && !written.Contains(i);
                addresses[i] = new BlockAddress(arena, offsets[i], rests ? new RestingBlock() : null);
            }
            else
            {
                throw new ArgumentException($"block {block.Name} lies in an arena of no bytes", nameof(external));
            }
        }

        return outside;
    }

    private long Compile()
    {
        long scratch = 0;
        for (int s = 0; s < kernels.Length; s++)
        {
            for (int i = 0; i < kernels[s].Length; i++)
            {
                var kernel = Plan.Sections[s].Operations[i].Kernel;
                if (kernel is UploadKernel or DownloadKernel or ExchangeKernel)
                    continue;
                var compiled = Backend.Compile(kernel, addresses);
                kernels[s][i] = compiled;
                scratch = Math.Max(scratch, compiled.ScratchBytes);
            }
        }

        return scratch;
    }

    private void Check(int block, long length)
    {
        if (Plan.Blocks[block].Bytes != length)
            throw new ArgumentException($"block {Plan.Blocks[block].Name} holds {Plan.Blocks[block].Bytes} bytes, not {length}");
    }
}
