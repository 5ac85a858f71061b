using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Lowering;

/// <summary>Turns the nodes of one section into kernels on blocks, in order. Ops call it from <see cref="Op.Lower"/>.</summary>
internal sealed class Lowerer(PlanDraft plan, IReadOnlyDictionary<Placeholder, Operand> placeholders)
{
    private readonly Dictionary<Tensor, Operand> values = [];
    private readonly List<(string Name, Kernel Kernel)> operations = [];
    private readonly Dictionary<Tensor, Operand> destinations = [];
    private readonly Dictionary<Tensor, ImmutableArray<Operand>> further = [];
    private readonly HashSet<(Tensor, Operand)> placed = [];
    private readonly Panels panels = new();

    public IReadOnlyList<(string Name, Kernel Kernel)> Operations => operations;

    public bool IsStrict { get; init; }

    public Operand this[Tensor tensor]
    {
        get => values[tensor];
        set => values[tensor] = value;
    }

    /// <summary>Lowers what the outputs need; each output ends up in its destination.</summary>
    /// <param name="order">The nodes behind them, each after what it reads.</param>
    public void Run(ImmutableArray<Node> order, IReadOnlyList<(Tensor Tensor, Operand Destination)> outputs)
    {
        var position = new Dictionary<Node, int>();
        foreach (var node in order)
            position[node] = position.Count;
        var readers = LastReaders(order);
        foreach (var (tensor, destination) in outputs)
        {
            if (MayWriteInPlace(tensor.Producer, destination))
                destinations.TryAdd(tensor, destination);
        }

        ReserveWindows(order);
        panels.Count(order);
        // Where two outputs are the same value, the second is a copy; made at once, so that whoever waits for it need not wait for the rest.
        var copies = outputs.ToLookup(o => o.Tensor.Producer);
        List<(Tensor Tensor, Operand Destination)> late = [];
        foreach (var node in order)
        {
            node.Op.Lower(node, this);
            foreach (var output in copies[node].Where(o => values[o.Tensor] != o.Destination))
            {
                if (!readers.TryGetValue(output.Destination.Block, out int last) || last <= position[node])
                    Copy(node, values[output.Tensor], output.Destination);
                else
                    late.Add(output);
            }
        }

        foreach (var (tensor, destination) in late)
            Copy(tensor.Producer, values[tensor], destination);

        // A variable may be overwritten once nobody reads its old value any more; a pointwise op may be its last reader itself.
        bool MayWriteInPlace(Node producer, Operand destination)
        {
            if (!readers.TryGetValue(destination.Block, out var last))
                return true;
            int here = position[producer];
            return last < here || (last == here && producer.Op is Pointwise or Maps && producer.Inputs.All(input => ReadsWhereItWrites(input, destination)));
        }
    }

    /// <summary>Whether each element of the input is another block's, or the very one that is written: not that of a view turned or shifted.</summary>
    private bool ReadsWhereItWrites(Tensor input, Operand destination)
    {
        var (made, place) = (input, input.Shape == destination.Shape ? destination : null);
        for (; made.Producer.Op.IsView; made = made.Producer.Inputs[0])
            place = place is null ? null : made.Producer.Op.Behind(made.Producer, place);
        return made.Producer.Op is not Placeholder placeholder || placeholders[placeholder].Block != destination.Block || placeholders[placeholder] == place;
    }

    /// <summary>
    /// Inputs of concatenations go straight into their windows where their kernels can write there; views are looked through for who computes
    /// them. What a map makes can go to several places at once, so it goes there beside a place of its own where someone would have to copy it
    /// out of the window. Concatenations into a destination are left alone: the window would be written before the concatenation's turn.
    /// </summary>
    private void ReserveWindows(ImmutableArray<Node> order)
    {
        var reserved = new HashSet<Tensor>();
        var dense = DenselyRead(order);
        foreach (var node in order.Reverse())
        {
            if (node.Op is not Concat concat || (destinations.ContainsKey(node.Output) && !reserved.Contains(node.Output)))
                continue;
            destinations[node.Output] = Target(node.Output);
            foreach (var whole in Targets(node.Output))
            {
                var windows = Split.Windows(whole, concat.Axis, [.. node.Inputs.Select(i => i.Shape[concat.Axis])]);
                for (int i = 0; i < windows.Length; i++)
                {
                    if (Reserve(node.Inputs[i], windows[i]))
                        placed.Add((node.Inputs[i], windows[i]));
                }
            }
        }

        bool Reserve(Tensor input, Operand window)
        {
            var (made, place) = (input, window);
            while (made.Producer.Op.Behind(made.Producer, place) is { } behind)
                (made, place) = (made.Producer.Inputs[0], behind);
            if (made.Producer.Op is Concat && destinations.ContainsKey(made) && !reserved.Contains(made))
                return false;
            bool many = made.Producer.Op is Pointwise or Maps or Fill or Concat;
            if (many && (destinations.ContainsKey(made) || (!place.IsContiguous && dense.Contains(made))))
            {
                // Its readers go on reading the first.
                destinations.TryAdd(made, Fresh(made));
                further[made] = further.GetValueOrDefault(made, []).Add(place);
            }
            else if (!made.Producer.Op.WritesInto(made.Producer, place) || !destinations.TryAdd(made, place))
            {
                return false;
            }

            reserved.Add(made);
            return true;
        }
    }

    /// <summary>What kernels read that are slow at strides or copy what is not contiguous.</summary>
    private static HashSet<Tensor> DenselyRead(ImmutableArray<Node> order)
    {
        var found = new HashSet<Tensor>();
        foreach (var node in order.Reverse())
        {
            bool wants = node.Op.IsView ? node.Outputs.Any(found.Contains) : node.Op is not (Pointwise or Maps or Reduce or Concat);
            if (wants)
                found.UnionWith(node.Op.IsView ? node.Inputs[..1] : node.Inputs);
        }

        return found;
    }

    private Dictionary<int, int> LastReaders(ImmutableArray<Node> order)
    {
        var readers = new Dictionary<int, int>();
        var backing = new Dictionary<Tensor, int>();
        for (int position = 0; position < order.Length; position++)
        {
            var node = order[position];
            if (node.Op is Placeholder placeholder)
                backing[node.Output] = placeholders[placeholder].Block;
            foreach (var input in node.Inputs)
            {
                if (!backing.TryGetValue(input, out int block))
                    continue;
                readers[block] = position;
                foreach (var view in node.Outputs)
                {
                    if (node.Op.IsView)
                        backing[view] = block;
                }
            }
        }

        return readers;
    }

    public void Bind(Tensor tensor, Placeholder placeholder) => values[tensor] = placeholders[placeholder];

    public Operand Constant(TensorType type, ImmutableArray<byte> data) => Operand.Contiguous(plan.Constant(data), type);

    /// <summary>Where a node writes a result: its destination, or a new block.</summary>
    public Operand Target(Tensor tensor) => values[tensor] = destinations.TryGetValue(tensor, out var target) ? target : Fresh(tensor);

    /// <summary>All the places where a map writes a result: <see cref="Target"/> and then windows of what it is a part of.</summary>
    public ImmutableArray<Operand> Targets(Tensor tensor) => [Target(tensor), .. further.GetValueOrDefault(tensor, [])];

    /// <summary>Whether a concatenation's input was written to its window when it was computed.</summary>
    public bool IsPlaced(Tensor input, Operand window) => placed.Contains((input, window));

    private Operand Fresh(Tensor tensor) => Operand.Contiguous(plan.Transient(Label(tensor.Producer), tensor.Type.Bytes), tensor.Type);

    /// <summary>Memory of a node's own while its kernels run.</summary>
    public Operand Temporary(Node node, TensorType type) => Operand.Contiguous(plan.Transient(Label(node), type.Bytes), type);

    /// <summary>A map that leaves each result wherever it is wanted.</summary>
    public void EmitMap(Node node, ScalarProgram program, ImmutableArray<Operand> sources)
    {
        ImmutableArray<ImmutableArray<Operand>> targets = [.. node.Outputs.Select(Targets)];
        var results = program.Results.SelectMany((r, i) => Enumerable.Repeat(r, targets[i].Length));
        Emit(node, new MapKernel(program with { Results = [.. results] }, sources, [.. targets.SelectMany(t => t)]));
    }

    public void Emit(Node node, Kernel kernel) => Emit(Label(node), kernel);

    /// <summary>A product of two matrices without shards, its right factor laid out in panels where others share it.</summary>
    public void EmitProduct(Node node, ContractKernel kernel) => Emit(node, panels.Apply(node, kernel, view => Materialise(node, view)));

    public void Emit(string name, Kernel kernel) => operations.Add((name, kernel));

    /// <summary>The node's result is its input read in another way.</summary>
    public void Alias(Node node, Operand view) => values[node.Output] = view;

    public void Copy(Node node, Operand source, Operand target)
    {
        var program = ScalarBody.Compile([source.DType], Scalar.Argument(0, source.DType));
        var from = source.Shape == target.Shape ? source : Operands.Reshape(source, target.Shape)
            ?? throw new InvalidOperationException($"a copy from {source} to {target}");
        operations.Add(($"{Label(node)} copy", new MapKernel(program, [from], [target])));
    }

    /// <summary>The operand in memory of its own, row by row.</summary>
    public Operand Materialise(Node node, Operand source)
    {
        var type = new TensorType(source.DType, source.Shape);
        var target = Operand.Contiguous(plan.Transient($"{Label(node)} copy", type.Bytes), type);
        Copy(node, source, target);
        return target;
    }

    public Operand Contiguous(Node node, Tensor tensor) => values[tensor] is { IsContiguous: true } operand ? operand : Materialise(node, values[tensor]);

    /// <summary>The view [batch…, rows, columns], copied where strides do not allow it.</summary>
    public Operand Grouped(Node node, Operand source, ImmutableArray<int> batch, ImmutableArray<int> rows, ImmutableArray<int> columns)
    {
        if (Operands.Group(source, batch, rows, columns) is { } view)
            return view;
        var ordered = Materialise(node, Operands.Transpose(source, [.. batch, .. rows, .. columns]));
        return Operands.Group(ordered, [.. Enumerable.Range(0, batch.Length)], [.. Enumerable.Range(batch.Length, rows.Length)],
            [.. Enumerable.Range(batch.Length + rows.Length, columns.Length)])!;
    }

    internal static string Label(Node node) => Label(node.Scope, node.Op.Name);

    internal static string Label(string scope, string op) => scope.Length == 0 ? op : $"{scope} {op}";
}
