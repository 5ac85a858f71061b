using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// A scan as a function around one ONNX Scan, whose graph is a step. The function's inputs are the scan's; what every step reads comes into
/// the step's graph from outside.
/// </summary>
internal static class ScanForm
{
    public static (Written, Written) Write(Node a, Node b, Scan one, Scan two, FunctionLibrary functions, (int First, int Second) samples)
    {
        if (one with { Body = two.Body } != two)
            throw GraphWriter.Refused(a, "is another one for another number of samples");
        int inputs = one.InputAxes.Count;
        string Name(int i, string state, string element) => i < one.States ? $"{state}{i}" : i < one.States + inputs ? $"{element}{i - one.States}" : $"fixed{i - one.States - inputs}";
        ImmutableArray<Tensor> first = [.. one.Body.Inputs.Select((t, i) => Subgraph.Input(i, t))], second = [.. two.Body.Inputs.Select((t, i) => Subgraph.Input(i, t))];
        var step = new GraphProto { Name = "step" };
        var made = new GraphWriter(
            new Traced([.. first.Select((t, i) => (Name(i, "h", "e"), t, second[i]))], [.. one.Body.Apply(first).Zip(two.Body.Apply(second))], samples),
            functions, TakenNames(first.Length, i => Name(i, "h", "e")), step.Node, null).Write();
        step.Input.AddRange(Enumerable.Range(0, one.States + inputs).Select(i => new ValueInfoProto { Name = Name(i, "h", "e") }));
        for (int i = 0; i < one.States + made.Length; i++)
        {
            string name = i < one.States ? $"next{i}" : $"out{i - one.States}";
            step.Node.Add(new NodeProto { OpType = "Identity", Input = { made[i < one.States ? i : i - one.States] }, Output = { name } });
            step.Output.Add(new ValueInfoProto { Name = name });
        }

        string[] finals = [.. Enumerable.Range(0, one.States).Select(i => $"last{i}")], stacks = [.. made.Select((_, i) => $"all{i}")];
        var draft = new FunctionDraft(Enumerable.Range(0, first.Length).Select(i => Name(i, "state", "input")), [.. finals, .. stacks])
            .Node($"{string.Join(", ", finals.Concat(stacks))} = Scan({string.Join(", ", Enumerable.Range(0, one.States + inputs).Select(i => Name(i, "state", "input")))})",
                Attributes.Graph("body", step), Attributes.Int("num_scan_inputs", inputs), Attributes.Ints("scan_input_axes", one.InputAxes),
                Attributes.Ints("scan_output_axes", one.StackAxes), Attributes.Ints("scan_input_directions", one.InputAxes.Select(_ => one.Reverse ? 1L : 0)),
                Attributes.Ints("scan_output_directions", one.StackAxes.Select(_ => one.Reverse ? 1L : 0)));
        var written = OwnOperators.Call("Scan", a, draft);
        return (written, written with { Inputs = [.. b.Inputs.Select(i => (WrittenInput)i)] });
    }

    public static ImmutableArray<OnnxValue?> Build(OnnxCall c)
    {
        if (c.Function.Node is not [{ OpType: "Scan" } node] || node.Attribute.FirstOrDefault(a => a.Name == "body")?.G is not { } step)
            throw new OnnxException("its function is no scan");
        int[] inputAxes = Axes("scan_input_axes"), stackAxes = Axes("scan_output_axes");
        bool reverse = node.Attribute.FirstOrDefault(a => a.Name == "scan_input_directions")?.Ints.Contains(1) ?? false;
        var all = c.All;
        int states = node.Input.Count - inputAxes.Length;
        if (states < 0 || inputAxes.Length == 0 || node.Input.Count > all.Length || step.Output.Count != states + stackAxes.Length || stackAxes.Length < states)
            throw new OnnxException("its function is no scan");
        Tensor Open(GraphTensor given, int i) => Subgraph.Input(i, i >= states && i < node.Input.Count
            ? new TensorType(given.Tensor.DType, given.Tensor.Shape.RemoveAt(OnnxCall.Axis(inputAxes[i - states], given.Tensor.Shape.Rank))) : given.Tensor.Type);
        ImmutableArray<GraphTensor> open = [.. all.Select((given, i) => given with { Tensor = Open(given, i) })];
        var results = c.RunInFunction(step, [.. open], [.. open.Take(node.Input.Count)]).Select(c.AsTensor).ToArray();
        var (body, captured) = Subgraph.Cut([.. open.Select(t => t.Tensor)], [.. results.Skip(states).Select(r => r.Tensor)]);
        if (!captured.IsEmpty)
            throw new OnnxException("a step reads what is no input of the function");
        long steps = all[states].Tensor.Shape[inputAxes[0]];
        var scan = new Scan(body, checked((int)steps), states, [.. inputAxes], [.. stackAxes], reverse);
        var outputs = new Node(scan, [.. all.Select(t => t.Tensor)]).Outputs;
        return [.. outputs.Select((t, i) => new GraphTensor(results[i].Element, t))];

        int[] Axes(string name) => [.. node.Attribute.FirstOrDefault(a => a.Name == name)?.Ints.Select(i => checked((int)i)) ?? []];
    }

    private static Names TakenNames(int count, Func<int, string> name)
    {
        var names = new Names();
        for (int i = 0; i < count; i++)
            names.Take(name(i));
        return names;
    }
}
