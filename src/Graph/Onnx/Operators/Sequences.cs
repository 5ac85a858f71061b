using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Lists of values and values that may be missing; they exist only while the graph is built.</summary>
internal static class Sequences
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("SequenceEmpty", 11, _ => new SequenceValue([])),
        new("SequenceConstruct", 11, c => new SequenceValue([.. Enumerable.Range(0, c.Inputs).Select(c.Value)])),
        new("SequenceInsert", 11, c => Items(c) is var items ? new SequenceValue(items.Insert(c.Has(2) ? Place(c, items.Length, items.Length) : items.Length, c.Value(1))) : null!),
        new("SequenceErase", 11, c => Items(c) is var items ? new SequenceValue(items.RemoveAt(c.Has(1) ? At(c, items.Length) : items.Length - 1)) : null!),
        new("SequenceAt", 11, c => Items(c) is var items ? items[At(c, items.Length)] : null!),
        new("SequenceLength", 11, c => OnnxCall.Host(ElementType.Int64, Shape.Scalar, [Items(c).Length])),
        new("SplitToSequence", 11, c => new SequenceValue([.. Pieces(c)])),
        new("ConcatFromSequence", 11, Joined),
        new("SequenceMap", 17, Mapped),
        new("Optional", 15, c => new OptionalValue(c.Has(0) ? c.Value(0) : null)),
        new("OptionalHasElement", 15, c => new HostTensor(ElementType.Bool, Shape.Scalar, new byte[] { (byte)(c.Has(0) && c.Value(0) is not OptionalValue { Value: null } ? 1 : 0) })),
        new("OptionalGetElement", 15, c => c.Value(0) is OptionalValue optional ? optional.Value ?? throw new OnnxException("the value is missing") : c.Value(0)),
    ];

    private static ImmutableArray<OnnxValue> Items(OnnxCall c, int input = 0) => c.Value(input) switch
    {
        SequenceValue sequence => sequence.Items,
        OptionalValue { Value: SequenceValue sequence } => sequence.Items,
        _ => throw new OnnxException($"input {input} is no sequence"),
    };

    private static int Place(OnnxCall c, int length, int most)
    {
        long at = c.Integers(2)[0];
        return at >= -length && at <= most ? (int)(at < 0 ? at + length : at) : throw new OnnxException($"place {at} in a sequence of {length}");
    }

    private static int At(OnnxCall c, int length)
    {
        long at = c.Integers(1)[0];
        return at >= -length && at < length ? (int)(at < 0 ? at + length : at) : throw new OnnxException($"place {at} in a sequence of {length}");
    }

    private static IEnumerable<OnnxValue> Pieces(OnnxCall c)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Int("axis", 0), x.Shape.Rank);
        bool single = !c.Has(1), kept = c.Flag("keepdims", true) || !single;
        long[] lengths;
        if (single)
            lengths = [.. Enumerable.Repeat(1L, Tables.Pieces(x.Shape[axis]))];
        else if (c.Shape(1).Rank == 0)
            lengths = Chunks(x.Shape[axis], c.Integers(1)[0]);
        else
            lengths = c.Integers(1);
        return x.Split(axis, lengths).Select(piece => (OnnxValue)c.Moved(kept ? piece : piece.Reshape(piece.Shape.RemoveAt(axis))));
    }

    private static long[] Chunks(long whole, long each)
    {
        if (each < 1)
            throw new OnnxException($"pieces of {each}");
        return [.. Enumerable.Range(0, Tables.Pieces((whole + each - 1) / each)).Select(i => Math.Min(each, whole - i * each))];
    }

    private static OnnxValue Joined(OnnxCall c)
    {
        GraphTensor[] items = [.. Items(c).Select(c.AsTensor)];
        if (items.Length == 0)
            throw new OnnxException("nothing cannot be concatenated");
        if (!c.Flag("new_axis"))
            return items[0] with { Tensor = Composites.Concat(OnnxCall.Axis(c.Int("axis"), items[0].Tensor.Shape.Rank), [.. items.Select(i => i.Tensor)]) };
        int axis = OnnxCall.Axis(c.Int("axis"), items[0].Tensor.Shape.Rank + 1);
        return items[0] with { Tensor = Composites.Concat(axis, [.. items.Select(i => i.Tensor.Reshape(Shape.Of([.. i.Tensor.Shape.Take(axis), 1, .. i.Tensor.Shape.Skip(axis)])))]) };
    }

    private static ImmutableArray<OnnxValue?> Mapped(OnnxCall c)
    {
        var body = c.Graph("body");
        int length = Items(c).Length;
        var results = Enumerable.Range(0, body.Output.Count).Select(_ => ImmutableArray.CreateBuilder<OnnxValue>()).ToArray();
        for (int i = 0; i < length; i++)
        {
            OnnxValue[] given = [.. Enumerable.Range(0, c.Inputs).Select(input => c.Value(input) is SequenceValue sequence
                ? i < sequence.Items.Length ? sequence.Items[i] : throw new OnnxException("the sequences have not the same length") : c.Value(input))];
            var made = c.Run(body, given);
            for (int o = 0; o < results.Length; o++)
                results[o].Add(made[o]);
        }

        return [.. results.Select(r => new SequenceValue(r.ToImmutable()))];
    }
}
