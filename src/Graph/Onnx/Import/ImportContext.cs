namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>What an importer is told beside the model.</summary>
public sealed record ImportContext
{
    public OnnxLimits Limits { get; init; } = OnnxLimits.Default;

    public IExternalData External { get; init; } = NoExternalData.Instance;

    /// <summary>What stands for an initialiser of that name; null: a constant.</summary>
    public Func<string, HostTensor, Tensor?> Initialiser { get; init; } = (_, _) => null;

    /// <summary>What stands for a tensor of the file, by its name, whose elements nobody needs; null: they are read.</summary>
    public Func<string, ElementType, Shape, Tensor?> Stand { get; init; } = (_, _, _) => null;

    /// <summary>Is told of every value that the model's own graph has by name.</summary>
    public Action<string, OnnxValue> Made { get; init; } = (_, _) => { };

    /// <summary>
    /// The elements of a tensor that a model needs to know while its graph is built (a shape, a number of rounds) and that do not follow from
    /// constants; null: not known, and such a model is refused.
    /// </summary>
    public Func<Tensor, ReadOnlyMemory<byte>?> Evaluate { get; init; } = _ => null;

    /// <summary>Decides what random operators without a seed of their own draw.</summary>
    public ulong Seed { get; init; }

    /// <summary>Null: nodes that have a mode for training are in the one they say.</summary>
    internal ModelMode? Mode { get; init; }

    /// <summary>Nodes that are built at most, those of loops counted for each round.</summary>
    public int NodesMax { get; init; } = 1_000_000;

    /// <summary>How long a dimension of any tensor may be.</summary>
    public long DimensionMax { get; init; } = long.MaxValue;

    /// <summary>Memory that building may take, looked at from node to node.</summary>
    public long BytesMax { get; init; } = long.MaxValue;
}
