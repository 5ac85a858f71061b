namespace Singa.Actors.Graph.Onnx;

/// <summary>How much a file may ask for; checked against its bytes before memory is taken.</summary>
public sealed record OnnxLimits
{
    public static readonly OnnxLimits Default = new();

    /// <summary>Bytes of one file: protobuf's own limit.</summary>
    public long FileBytes { get; init; } = int.MaxValue;

    /// <summary>Bytes that all that is read may take in memory, the file itself not counted.</summary>
    public long MemoryBytes { get; init; } = 3L << 30;

    /// <summary>Messages within messages. A graph within a node's attribute takes three.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Elements of one tensor.</summary>
    public long Elements { get; init; } = 1L << 31;

    /// <summary>Dimensions of one tensor.</summary>
    public int Rank { get; init; } = 32;
}
