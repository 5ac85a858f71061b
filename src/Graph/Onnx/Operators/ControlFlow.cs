using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Branches and loops: conditions and numbers of rounds are known when the graph is built, so that one branch is taken and loops are unrolled.</summary>
internal static class ControlFlow
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("If", 1, c => [.. c.Run(c.Graph(c.Integers(0)[0] != 0 ? "then_branch" : "else_branch"))]),
        new("Loop", 1, Loop),
        new("Scan", 8, Scan8),
        new("Scan", 9, Scan),
    ];

    private static ImmutableArray<OnnxValue?> Loop(OnnxCall c)
    {
        var body = c.Graph("body");
        int carried = c.Inputs - 2, scanned = body.Output.Count - 1 - carried;
        long rounds = c.Has(0) ? c.Integers(0)[0] : long.MaxValue;
        bool going = !c.Has(1) || c.Integers(1)[0] != 0;
        var state = Enumerable.Range(2, carried).Select(c.Value).ToArray();
        var pieces = Enumerable.Range(0, Math.Max(0, scanned)).Select(_ => new List<GraphTensor>()).ToArray();
        for (long round = 0; round < rounds && going; round++)
        {
            var condition = new HostTensor(ElementType.Bool, Shape.Scalar, new byte[] { 1 });
            var results = c.Run(body, [OnnxCall.Host(ElementType.Int64, Shape.Scalar, [round]), condition, .. state]);
            state = [.. results.Skip(1).Take(carried)];
            for (int i = 0; i < pieces.Length; i++)
                pieces[i].Add(c.AsTensor(results[1 + carried + i]));
            // A condition that is not known ends nothing by itself where the number of rounds is.
            going = c.KnownOf(results[0]).Data.Span[0] != 0;
        }

        return [.. state, .. pieces.Select((list, i) => Stacked(c, list, body.Output[1 + carried + i], 0))];
    }

    private static OnnxValue Stacked(OnnxCall c, List<GraphTensor> list, Schema.ValueInfoProto type, int axis)
    {
        if (list.Count > 0)
            return list[0] with { Tensor = Composites.Concat(axis, [.. list.Select(t => t.Tensor.Reshape(Shape.Of([.. t.Tensor.Shape.Take(axis), 1, .. t.Tensor.Shape.Skip(axis)])))]) };
        // No round: the body says what its results would be.
        var tensor = type.Type?.TensorType ?? throw new OnnxUnsupportedException("a loop of no rounds whose results have no type");
        var dims = tensor.Shape?.Dim.Select(d => d.DimValue).ToArray() ?? [];
        var element = (ElementType)tensor.ElemType;
        return new GraphTensor(element, Fill.Create(element.Storage(), Shape.Of([.. dims.Take(axis), 0, .. dims.Skip(axis)]), 0));
    }

    private static ImmutableArray<OnnxValue?> Scan(OnnxCall c)
    {
        var body = c.Graph("body");
        int scans = checked((int)c.Int("num_scan_inputs")), carried = c.Inputs - scans, results = body.Output.Count - carried;
        if (scans < 1 || carried < 0 || results < 0)
            throw new OnnxException($"{scans} scanned inputs of {c.Inputs}");
        var (state, outputs) = Rounds(c, body, [.. Enumerable.Range(0, carried).Select(c.Value)], [.. Enumerable.Range(carried, scans).Select(c.In)],
            c.Ints("scan_input_axes"), c.Ints("scan_input_directions"), c.Ints("scan_output_axes"), c.Ints("scan_output_directions"));
        return [.. state, .. outputs];
    }

    private static (OnnxValue[] State, OnnxValue[] Outputs) Rounds(OnnxCall c, Schema.GraphProto body, OnnxValue[] state, GraphTensor[] scanned,
        long[]? inputAxes, long[]? inputDirections, long[]? outputAxes, long[]? outputDirections, long? most = null)
    {
        int carried = state.Length;
        int[] axes = [.. scanned.Select((s, i) => OnnxCall.Axis(inputAxes?[i] ?? 0, s.Tensor.Shape.Rank))];
        long length = scanned[0].Tensor.Shape[axes[0]];
        if (scanned.Where((s, i) => s.Tensor.Shape[axes[i]] != length).Any())
            throw new OnnxException("the scanned inputs have not the same length");
        length = Math.Min(length, most ?? length);
        var pieces = Enumerable.Range(0, body.Output.Count - carried).Select(_ => new List<GraphTensor>()).ToArray();
        for (long round = 0; round < length; round++)
        {
            OnnxValue[] elements = [.. scanned.Select((s, i) => (OnnxValue)(s with { Tensor = Element(s.Tensor, axes[i], inputDirections?[i] == 1 ? length - 1 - round : round) }))];
            var made = c.Run(body, [.. state, .. elements]);
            state = [.. made.Take(carried)];
            for (int i = 0; i < pieces.Length; i++)
                pieces[i].Add(c.AsTensor(made[carried + i]));
        }

        OnnxValue[] outputs =
        [
            .. pieces.Select((list, i) =>
            {
                if (outputDirections?[i] == 1)
                    list.Reverse();
                int rank = list.Count > 0 ? list[0].Tensor.Shape.Rank + 1 : (body.Output[carried + i].Type?.TensorType?.Shape?.Dim.Count ?? 0) + 1;
                return Stacked(c, list, body.Output[carried + i], OnnxCall.Axis(outputAxes?[i] ?? 0, rank));
            }),
        ];
        return (state, outputs);
    }

    private static Tensor Element(Tensor x, int axis, long at)
    {
        long[] start = new long[x.Shape.Rank];
        start[axis] = at;
        return x.Slice([.. start], [.. x.Shape.With(axis, 1)], [.. start.Select(_ => 1L)]).Reshape(x.Shape.RemoveAt(axis));
    }

    /// <summary>Version 8 scanned each element of a batch by itself, each as long as it says.</summary>
    private static ImmutableArray<OnnxValue?> Scan8(OnnxCall c)
    {
        var body = c.Graph("body");
        int scans = checked((int)c.Int("num_scan_inputs")), carried = c.Inputs - 1 - scans;
        var batches = new List<(OnnxValue[] State, OnnxValue[] Outputs)>();
        long batch = c.X(1 + carried).Shape[0], whole = c.X(1 + carried).Shape[1];
        long[]? lengths = c.Has(0) ? c.Integers(0) : null;
        for (long b = 0; b < batch; b++)
        {
            GraphTensor Of(int input) => c.In(input) with { Tensor = Element(c.X(input), 0, b) };
            batches.Add(Rounds(c, body, [.. Enumerable.Range(1, carried).Select(Of)], [.. Enumerable.Range(1 + carried, scans).Select(Of)],
                null, c.Ints("directions"), null, null, lengths?[b]));
        }

        if (batches.Count == 0)
            throw new OnnxUnsupportedException("a scan over an empty batch");
        OnnxValue Joined(Func<(OnnxValue[] State, OnnxValue[] Outputs), OnnxValue> pick, bool padded)
        {
            GraphTensor[] each = [.. batches.Select(b => c.AsTensor(pick(b)))];
            return each[0] with { Tensor = Composites.Concat(0, [.. each.Select(e => (padded ? Filled(e.Tensor, whole) : e.Tensor) is var t ? t.Reshape(t.Shape.Prepend(1)) : t)]) };
        }

        return [.. Enumerable.Range(0, carried).Select(i => Joined(b => b.State[i], false)), .. batches[0].Outputs.Select((_, i) => Joined(b => b.Outputs[i], true))];
    }

    private static Tensor Filled(Tensor x, long length) =>
        Padding.WithValue(x, new long[x.Shape.Rank], [length - x.Shape[0], .. new long[x.Shape.Rank - 1]], x.Like(0));
}
