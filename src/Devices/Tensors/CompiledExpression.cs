using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tensors;

/// <summary>
/// A structure's plan. Small ones stay on the device and have their inputs copied in and their results copied out; where tensors are
/// large, the plan is laid over the tensors' own memory each time and nothing is copied.
/// </summary>
internal sealed class CompiledExpression : IDisposable
{
    /// <summary>Bytes of inputs and results up to which copying costs less than making the kernels anew.</summary>
    public const long CopiedBytesMax = 1 << 20;

    private const long KeptBytesMax = 8 << 20;
    private const string Section = "tensors";

    private readonly TensorDevice device;
    private readonly Plan plan;
    private readonly ImmutableArray<int> inputs;
    private readonly ImmutableArray<int> results;
    private PlanRunner? kept;

    public CompiledExpression(TensorDevice device, Subgraph structure)
    {
        this.device = device;
        var builder = new PlanBuilder();
        var given = structure.Inputs.Select((type, i) => Placeholder.Create($"input {i}", type, BlockKind.Input)).ToImmutableArray();
        inputs = [.. given.Select((t, i) => builder.Declare($"input {i}", BlockKind.Input, t.Type).Block)];
        var targets = structure.Apply(given).Select((t, i) => (Tensor: t, Target: builder.Declare($"result {i}", BlockKind.Output, t.Type))).ToArray();
        results = [.. targets.Select(t => t.Target.Block)];
        builder.AddSection(Section, [], targets, []);
        plan = builder.Build();
        IsKept = inputs.Concat(results).Sum(b => plan.Blocks[b].Bytes) <= CopiedBytesMax && plan.ArenaBytes <= KeptBytesMax;
    }

    public bool IsKept { get; }

    /// <summary>What it occupies on the device between two runs.</summary>
    public long KeptBytes => kept?.Loaded.PlannedBytes ?? 0;

    /// <summary>Computes the results from the values of the inputs, into memory that belongs to the caller.</summary>
    public DeviceMemory[] Run(ImmutableArray<Region> regions) => IsKept ? Copied(regions) : Bound(regions);

    public void Dispose()
    {
        kept?.Dispose();
        kept = null;
    }

    private DeviceMemory[] Copied(ImmutableArray<Region> regions)
    {
        kept ??= new PlanRunner(device.Backend, plan);
        for (int i = 0; i < inputs.Length; i++)
            device.Upload(regions[i], kept.Loaded.Addresses[inputs[i]]);
        kept.Run(Section);
        return Allocated(results.Select(block =>
        {
            var memory = device.Backend.Allocate(plan.Blocks[block].Bytes);
            var (from, offset, _) = kept.Loaded.Addresses[block];
            device.Backend.Copy(from, offset, memory, 0, plan.Blocks[block].Bytes);
            return memory;
        }));
    }

    private DeviceMemory[] Bound(ImmutableArray<Region> regions)
    {
        var memories = new Dictionary<int, DeviceMemory>();
        var temporary = new List<DeviceMemory>();
        DeviceMemory[] targets = [];
        try
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (device.Resident(regions[i]) is { } resident)
                {
                    memories[inputs[i]] = resident;
                    continue;
                }

                temporary.Add(memories[inputs[i]] = device.Backend.Allocate(regions[i].Type.Bytes));
                device.Upload(regions[i], new BlockAddress(temporary[^1], 0));
            }

            targets = Allocated(results.Select(block => memories[block] = device.Backend.Allocate(plan.Blocks[block].Bytes)));
            using var runner = new PlanRunner(device.Backend, plan, external: memories);
            runner.Run(Section);
            return targets;
        }
        catch
        {
            foreach (var memory in targets)
                device.Backend.Free(memory);
            throw;
        }
        finally
        {
            foreach (var memory in temporary)
                device.Backend.Free(memory);
        }
    }

    // All of them or none.
    private DeviceMemory[] Allocated(IEnumerable<DeviceMemory> memories)
    {
        var done = new List<DeviceMemory>();
        try
        {
            foreach (var memory in memories)
                done.Add(memory);
            return [.. done];
        }
        catch
        {
            foreach (var memory in done)
                device.Backend.Free(memory);
            throw;
        }
    }
}
