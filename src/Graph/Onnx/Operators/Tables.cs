namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>How much a rule may compute on the host by a model's say-so.</summary>
internal static class Tables
{
    private const long NumbersMax = 1 << 24, PiecesMax = 1 << 16;

    /// <summary>The length of a list of numbers that an attribute or an input decides.</summary>
    /// <exception cref="OnnxTooLargeException"/>
    public static int Length(long numbers) => Bounded(numbers, NumbersMax, "numbers");

    /// <summary>How many nodes, or values of a sequence, an attribute or a dimension decides.</summary>
    /// <exception cref="OnnxTooLargeException"/>
    public static int Pieces(long pieces) => Bounded(pieces, PiecesMax, "pieces");

    /// <summary>What was added up one by one.</summary>
    /// <exception cref="OnnxException">There was nothing.</exception>
    public static Tensor Sum(Tensor? sum) => sum ?? throw new OnnxException("there is nothing to add up: a size is 0");

    private static int Bounded(long count, long most, string what) => count < 0 ? throw new OnnxException($"{count} {what}")
        : count <= most ? (int)count : throw new OnnxTooLargeException($"{count:N0} {what}; {most:N0} is the most");
}
