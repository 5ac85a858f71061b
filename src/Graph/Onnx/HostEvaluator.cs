using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx;

/// <summary>
/// Computes small graphs on the host: the shapes, axes and indices that a model computes by nodes. Movement is views, as in a plan. What is
/// large, random or a product is left to a device.
/// </summary>
internal sealed class HostEvaluator
{
    // Of one tensor, and of all together: a model must not keep anybody busy for long.
    private const long ElementsMax = 1 << 16, ElementsInAll = 1 << 23;

    private long elements;

    private sealed record Piece(byte[] Data, Operand View);

    // Null: cannot be known here.
    private readonly Dictionary<Tensor, Piece?> known = new(ReferenceEqualityComparer.Instance);

    /// <summary>The elements, row by row, or null where the host does not know them.</summary>
    public byte[]? Evaluate(Tensor tensor)
    {
        var path = new Stack<(Node Node, int Next)>();
        path.Push((tensor.Producer, 0));
        while (!known.ContainsKey(tensor) && path.TryPop(out var top))
        {
            if (top.Next == top.Node.Inputs.Length)
            {
                Compute(top.Node);
                continue;
            }

            path.Push((top.Node, top.Next + 1));
            var input = top.Node.Inputs[top.Next];
            if (!known.TryGetValue(input, out var piece))
                path.Push((input.Producer, 0));
            else if (piece is null)
                Unknown(path.Pop().Node);
        }

        return known[tensor] is { } found ? Contiguous(found) : null;
    }

    private void Unknown(Node node)
    {
        foreach (var output in node.Outputs)
            known[output] = null;
    }

    private void Compute(Node node)
    {
        elements += node.Outputs.Sum(o => Math.Min(o.Shape.Count, ElementsMax));
        if (elements > ElementsInAll || node.Outputs.Any(o => o.Shape.Count > ElementsMax) || node.Inputs.Any(i => known[i] is null))
        {
            Unknown(node);
            return;
        }

        ImmutableArray<Piece> inputs = [.. node.Inputs.Select(i => known[i]!)];
        switch (node.Op)
        {
            case Constant constant:
                known[node.Output] = Whole(constant.Type, ImmutableCollectionsMarshal.AsArray(constant.Data.Items)!);
                break;
            case Source source:
                var brought = new byte[source.Type.Bytes];
                source.Values.CopyTo(0, brought);
                known[node.Output] = Whole(source.Type, brought);
                break;
            case Fill fill:
                known[node.Output] = Map(ScalarBody.Compile([], Scalar.Literal(fill.Value, fill.Type.DType)), [], fill.Type.Shape);
                break;
            case Pointwise pointwise:
                known[node.Output] = Map(ScalarBody.Expand(pointwise.Body), inputs, node.Output.Shape);
                break;
            case Reduce reduce:
                known[node.Output] = Reduced(reduce, inputs, node.Output);
                break;
            case Ops.Reshape reshape:
                known[node.Output] = inputs[0] with { View = Operands.Reshape(inputs[0].View, reshape.Target)! } is { View: not null } view ? view
                    : Whole(node.Output.Type, Contiguous(inputs[0]));
                break;
            case Ops.Transpose transpose:
                known[node.Output] = inputs[0] with { View = Operands.Transpose(inputs[0].View, transpose.Order) };
                break;
            case Ops.BroadcastTo broadcast:
                known[node.Output] = inputs[0] with { View = Operands.Broadcast(inputs[0].View, broadcast.Target) };
                break;
            case Ops.Slice slice:
                known[node.Output] = inputs[0] with { View = Operands.Slice(inputs[0].View, slice.Start, slice.Length, slice.Step) };
                break;
            case Ops.Detach:
                known[node.Output] = inputs[0];
                break;
            case Ops.Split split:
                var windows = Ops.Split.Windows(inputs[0].View, split.Axis, split.Lengths);
                for (int i = 0; i < windows.Length; i++)
                    known[node.Outputs[i]] = inputs[0] with { View = windows[i] };
                break;
            case Ops.Concat concat:
                known[node.Output] = Joined(concat, inputs, node);
                break;
            case Ops.Gather:
                known[node.Output] = Gathered(inputs[0], inputs[1], node.Output.Type);
                break;
            default:
                Unknown(node);
                break;
        }
    }

    private static Piece Whole(TensorType type, byte[] data) => new(data, Operand.Contiguous(0, type));

    private static Piece Map(ScalarProgram program, ImmutableArray<Piece> inputs, Shape shape)
    {
        ImmutableArray<Piece> sources = [.. inputs.Select(i => i with { View = Operands.Broadcast(i.View, shape) })];
        var type = new TensorType(program.Instructions[program.Results[0]].Type, shape);
        var data = new byte[type.Bytes];
        var (floats, wholes) = (new double[inputs.Length], new long[inputs.Length]);
        long i = 0;
        foreach (var index in Points(shape))
        {
            for (int s = 0; s < sources.Length; s++)
                (floats[s], wholes[s]) = Read(sources[s].Data, type: sources[s].View.DType, At(sources[s].View, index));
            var (number, whole) = ScalarEvaluator.Evaluate(program, floats, wholes)[0];
            Write(data, type.DType, i++, number, whole);
        }

        return Whole(type, data);
    }

    private Piece? Reduced(Reduce reduce, ImmutableArray<Piece> inputs, Tensor output)
    {
        // Sums of floats have an order that only a kernel keeps.
        if ((reduce.Reduction == Reduction.Sum && output.DType.IsFloat()) || reduce.Domain.Count > ElementsMax)
            return null;
        elements += reduce.Domain.Count;
        var mapped = Map(ScalarBody.Expand(reduce.Body), inputs, reduce.Domain);
        var (floats, wholes) = (new double[output.Shape.Count], new long[output.Shape.Count]);
        var seen = new bool[output.Shape.Count];
        var strides = output.Shape.ContiguousStrides();
        long i = 0;
        foreach (var index in Points(reduce.Domain))
        {
            long at = 0;
            for (int axis = 0, kept = 0; axis < index.Length; axis++)
                at += reduce.Axes.Contains(axis) ? 0 : index[axis] * strides[kept++];
            var (number, whole) = Read(mapped.Data, mapped.View.DType, i++);
            (floats[at], wholes[at]) = (seen[at], reduce.Reduction) switch
            {
                (false, _) => (number, whole),
                (_, Reduction.Sum) => (0, wholes[at] + whole),
                (_, Reduction.Maximum) => (Math.Max(floats[at], number), Math.Max(wholes[at], whole)),
                _ => (Math.Min(floats[at], number), Math.Min(wholes[at], whole)),
            };
            seen[at] = true;
        }

        var data = new byte[output.Type.Bytes];
        for (long at = 0; at < floats.Length; at++)
            Write(data, output.DType, at, floats[at], wholes[at]);
        return Whole(output.Type, data);
    }

    private static Piece Joined(Ops.Concat concat, ImmutableArray<Piece> inputs, Node node)
    {
        var whole = Whole(node.Output.Type, new byte[node.Output.Type.Bytes]);
        var windows = Ops.Split.Windows(whole.View, concat.Axis, [.. node.Inputs.Select(i => i.Shape[concat.Axis])]);
        for (int i = 0; i < windows.Length; i++)
            Copy(inputs[i], whole.Data, windows[i]);
        return whole;
    }

    private static Piece Gathered(Piece table, Piece indices, TensorType type)
    {
        var result = Whole(type, new byte[type.Bytes]);
        var rows = Contiguous(table);
        var numbers = MemoryMarshal.Cast<byte, int>(Contiguous(indices));
        long row = table.View.Shape[0] == 0 ? 0 : rows.Length / table.View.Shape[0];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (numbers[i] >= 0 && numbers[i] < table.View.Shape[0])
                rows.AsSpan((int)(numbers[i] * row), (int)row).CopyTo(result.Data.AsSpan((int)(i * row)));
        }

        return result;
    }

    private static byte[] Contiguous(Piece piece)
    {
        var type = new TensorType(piece.View.DType, piece.View.Shape);
        if (piece.View.IsContiguous && piece.View.Offset == 0 && piece.Data.Length == type.Bytes)
            return piece.Data;
        var data = new byte[type.Bytes];
        Copy(piece, data, Operand.Contiguous(0, type));
        return data;
    }

    private static void Copy(Piece source, byte[] target, Operand window)
    {
        int size = window.DType.Size();
        foreach (var index in Points(window.Shape))
            source.Data.AsSpan((int)At(source.View, index) * size, size).CopyTo(target.AsSpan((int)At(window, index) * size));
    }

    private static IEnumerable<long[]> Points(Shape shape)
    {
        if (shape.Count == 0)
            yield break;
        var index = new long[shape.Rank];
        while (true)
        {
            yield return index;
            int axis = shape.Rank - 1;
            while (axis >= 0 && ++index[axis] == shape[axis])
                index[axis--] = 0;
            if (axis < 0)
                yield break;
        }
    }

    private static long At(Operand view, long[] index)
    {
        long at = view.Offset;
        for (int axis = 0; axis < index.Length; axis++)
            at += index[axis] * view.Strides[axis];
        return at;
    }

    internal static (double Float, long Whole) Read(ReadOnlySpan<byte> data, DType type, long at) => type switch
    {
        DType.Float32 => (MemoryMarshal.Cast<byte, float>(data)[(int)at], 0),
        DType.Float64 => (MemoryMarshal.Cast<byte, double>(data)[(int)at], 0),
        DType.Int32 => (0, MemoryMarshal.Cast<byte, int>(data)[(int)at]),
        DType.Int64 => (0, MemoryMarshal.Cast<byte, long>(data)[(int)at]),
        _ => (0, data[(int)at]),
    };

    private static void Write(Span<byte> data, DType type, long at, double number, long whole)
    {
        switch (type)
        {
            case DType.Float32: MemoryMarshal.Cast<byte, float>(data)[(int)at] = (float)number; break;
            case DType.Float64: MemoryMarshal.Cast<byte, double>(data)[(int)at] = number; break;
            case DType.Int32: MemoryMarshal.Cast<byte, int>(data)[(int)at] = (int)whole; break;
            case DType.Int64: MemoryMarshal.Cast<byte, long>(data)[(int)at] = whole; break;
            default: data[(int)at] = (byte)whole; break;
        }
    }
}
