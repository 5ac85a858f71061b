using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// Which initialisers of a model are its parameters and which its running statistics, with what each keeps of itself in a step. A model of ours
/// says so. In another one the statistics are those that batch norms read, and parameters are the float32 tensors that nodes multiply with,
/// add or look up; numbers that merely configure a node are neither.
/// </summary>
internal sealed record TrainableParts(IReadOnlyList<string> Parameters, IReadOnlyDictionary<string, double> Statistics)
{
    // Up to which input, the first left out, an operator reads what is trained.
    private static readonly Dictionary<string, int> Weights = new(StringComparer.Ordinal)
    {
        ["Conv"] = 2, ["ConvTranspose"] = 2, ["Gemm"] = 2, ["MatMul"] = 1, ["Einsum"] = int.MaxValue, ["BatchNormalization"] = 2, ["InstanceNormalization"] = 2,
        ["LayerNormalization"] = 2, ["GroupNormalization"] = 2, ["RMSNormalization"] = 1, ["LSTM"] = 3, ["GRU"] = 3, ["RNN"] = 3, ["PRelu"] = 1, ["Gather"] = 0,
        // What only moves them leaves them what they are.
        ["Transpose"] = 0, ["Reshape"] = 0, ["Identity"] = 0, ["Unsqueeze"] = 0, ["Squeeze"] = 0, ["Slice"] = 0, ["Split"] = 0, ["Concat"] = int.MaxValue, ["Expand"] = 0,
        ["Map"] = int.MaxValue, ["Contract"] = 1, ["Standardise"] = int.MaxValue, ["Scan"] = int.MaxValue,
    };

    private static readonly HashSet<string> Arithmetic = ["Add", "Sub", "Mul", "Div"];

    public static TrainableParts Of(ModelProto model)
    {
        var running = new Dictionary<string, double>(StringComparer.Ordinal);
        var initialised = model.Graph.Initializer.Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in model.Graph.Node.Where(n => n is { OpType: "BatchNormalization", Input.Count: >= 5 } && n.Input.Skip(3).Take(2).All(initialised.Contains)))
        {
            float keep = node.Attribute.FirstOrDefault(a => a.Name == "momentum")?.F ?? 0.9f;
            foreach (string name in node.Input.Skip(3).Take(2))
                running[name] = Attributes.Refined(node, "momentum", keep) is var exact && exact == 0.9f ? 0.9 : exact;
        }

        if (model.GetList(ModelKeys.Parameters) is { } parameters)
            return new TrainableParts(parameters, Ordered(model.GetList(ModelKeys.Statistics) ?? [], running));
        var readers = model.Graph.Node.SelectMany(n => n.Input.Select((name, i) => (name, Node: n, Input: i))).ToLookup(r => r.name, r => (r.Node, r.Input));
        return new TrainableParts([.. model.Graph.Initializer.Where(i => IsParameter(i, readers[i.Name])).Select(i => i.Name)], Ordered(running.Keys, running));
    }

    private static Dictionary<string, double> Ordered(IEnumerable<string> names, Dictionary<string, double> running) => names.Distinct().ToDictionary(n => n, n => running.GetValueOrDefault(n, 0.9));

    private static bool IsParameter(TensorProto tensor, IEnumerable<(NodeProto Node, int Input)> readers)
    {
        long count = tensor.Dims.Aggregate(1L, (n, d) => n * d);
        return tensor.DataType == (int)ElementType.Float && tensor.Dims.Count > 0 && count > 0 && readers.Any() && readers.All(r =>
            Weights.TryGetValue(r.Node.OpType.Split('.')[0], out int last) ? r.Input <= last : Arithmetic.Contains(r.Node.OpType) && count > 1);
    }
}
