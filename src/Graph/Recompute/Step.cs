namespace Singa.Actors.Graph.Recompute;

/// <summary>One node in its turn. <c>Original</c> is the step whose work it does again; itself where it does it first.</summary>
internal sealed class Step
{
    private Step(Node node, Step? original, Value[] inputs, Effort effort)
    {
        (Node, Inputs, Effort) = (node, inputs, effort);
        Original = original ?? this;
        Outputs = [.. node.Outputs.Select((o, i) => new Value(this, i, node.Op.IsView ? inputs[0].Storage : null))];
    }

    /// <summary>Whose op, types and scope these are.</summary>
    public Node Node { get; private set; }

    public Step Original { get; }

    public Value[] Inputs { get; private set; }

    public Value[] Outputs { get; }

    public Effort Effort { get; private set; }

    public int Position { get; set; }

    public bool IsView => Node.Op.IsView;

    public bool IsAgain => Original != this;

    public static Step First(Node node, Value[] inputs) => new(node, null, inputs, Effort.Of(node));

    /// <summary>The same results in another way.</summary>
    public void Become(Node node, Value[] inputs) => (Node, Inputs, Effort) = (node, inputs, Effort.Of(node));

    public Step Again(Value[] inputs) => new(Node, Original, inputs, Effort);
}

/// <summary>What a step produces: memory of its own, or another step's read in another way.</summary>
internal sealed class Value
{
    public Value(Step maker, int index, Storage? viewed)
    {
        (Maker, Index) = (maker, index);
        Storage = viewed ?? new Storage(this);
    }

    public Step Maker { get; }

    public int Index { get; }

    public Storage Storage { get; }

    public Tensor Tensor => Maker.Node.Outputs[Index];

    public Value Original => Maker.Original.Outputs[Index];
}

/// <summary>A piece of memory, from the step that fills it to the last one that reads it.</summary>
internal sealed class Storage(Value value)
{
    public Value Value { get; } = value;

    public Step Maker => Value.Maker;

    public Storage Original => Value.Original.Storage;

    public long Bytes { get; } = Lowering.MemoryPlanner.Align(value.Tensor.Type.Bytes);

    /// <summary>Outlives the section or lies in somebody else's memory: it costs nothing here and can be read from its first step on.</summary>
    public bool Lasts { get; set; }

    /// <summary>Read once more at the very end.</summary>
    public bool IsOutput { get; set; }

    /// <summary>Positions of the step that fills it and the last that reads it.</summary>
    public int First { get; set; }

    public int Last { get; set; }

    /// <summary>Filled just before the step at <see cref="First"/>, by steps that have no position yet.</summary>
    public bool IsPending { get; set; }

    /// <summary>Steps that read it, views left out, in order.</summary>
    public List<Step> Readers { get; } = [];
}
