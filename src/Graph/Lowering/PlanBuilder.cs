using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Passes;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>Collects the blocks and sections of a plan, then decides where every block lies.</summary>
public sealed class PlanBuilder
{
    private readonly List<BlockDraft> blocks = [];
    private readonly Dictionary<string, Operand> named = [];
    private readonly Dictionary<Seq<byte>, int> constants = [];
    private readonly List<(string Name, IReadOnlyList<(string Name, Kernel Kernel)> Operations, ImmutableArray<long> HostSlots)> sections = [];

    /// <summary>Only algorithms whose rounding is that of the sums in the definition: no <see cref="Winograd"/>.</summary>
    public bool IsStrict { get; init; }

    /// <summary>A block that outlives sections, known by its name.</summary>
    public Operand Declare(string name, BlockKind kind, TensorType type)
    {
        if (named.TryGetValue(name, out var known))
            return known;
        return named[name] = Operand.Contiguous(Add(name, kind, type.Bytes), type);
    }

    internal Operand Placeholder(Placeholder placeholder) => named.TryGetValue(placeholder.Label, out var operand)
        ? operand : Declare(placeholder.Label, placeholder.Kind, placeholder.Type);

    /// <summary>Lets a placeholder of that name read a part of a declared block.</summary>
    public void View(string name, Operand operand) => named[name] = operand;

    internal int Transient(string name, long bytes) => Add(name, BlockKind.Transient, bytes);

    internal int Constant(ImmutableArray<byte> data)
    {
        if (!constants.TryGetValue(new Seq<byte>(data), out int block))
            constants[new Seq<byte>(data)] = block = Add("constant", BlockKind.Constant, data.Length);
        return block;
    }

    private int Add(string name, BlockKind kind, long bytes)
    {
        blocks.Add(new BlockDraft(blocks.Count, name, kind, bytes));
        return blocks.Count - 1;
    }

    /// <summary>
    /// Adds a section: host buffers in, the outputs into their destinations, then whatever kernels come last (exchanges, host buffers out).
    /// </summary>
    public void AddSection(string name, IEnumerable<Kernel> before, IReadOnlyList<(Tensor Tensor, Operand Destination)> outputs, IEnumerable<Kernel> after)
    {
        var lowerer = new Lowerer(this);
        foreach (var kernel in before)
            lowerer.Emit(Name(kernel), kernel);
        var optimised = Optimiser.Run([.. outputs.Select(o => o.Tensor)]);
        lowerer.Run([.. outputs.Select((o, i) => (optimised[i], o.Destination))]);
        foreach (var kernel in after)
            lowerer.Emit(Name(kernel), kernel);
        var slots = lowerer.Operations.Select(o => o.Kernel switch
        {
            UploadKernel up => (up.Slot, Type(up.Target)),
            DownloadKernel down => (down.Slot, Type(down.Source)),
            _ => (-1, default(TensorType)),
        }).Where(s => s.Item1 >= 0).OrderBy(s => s.Item1).Select(s => s.Item2.Bytes);
        sections.Add((name, lowerer.Operations, [.. slots]));

        static TensorType Type(Operand operand) => new(operand.DType, operand.Shape);

        static string Name(Kernel kernel) => kernel switch
        {
            UploadKernel => "Upload",
            DownloadKernel => "Download",
            ExchangeKernel exchange => $"Exchange bucket {exchange.Bucket}",
            _ => kernel.GetType().Name,
        };
    }

    public Plan Build()
    {
        int guard = Add("transient memory", BlockKind.Transient, 0);
        var memory = MemoryPlanner.Place(blocks, sections.Select(s => s.Operations));
        var data = constants.ToImmutableDictionary(c => c.Value, c => c.Key.Items);
        var laid = sections.Select((s, i) => new Section(s.Name, Hazards.Annotate(s.Operations, blocks, memory, guard), s.HostSlots));
        return new Plan([.. blocks.Select(b => new Block(b.Id, b.Name, b.Kind, b.Bytes, memory.Offsets[b.Id]))],
            memory.ArenaBytes, memory.LiveBytes, data, [.. laid]);
    }
}
