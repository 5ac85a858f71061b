using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>Which operators of a model there are, before anything is built.</summary>
public static class Coverage
{
    /// <exception cref="OnnxUnsupportedException">Names every operator that is missing, with the number of nodes that ask for it.</exception>
    public static void Check(ModelProto model)
    {
        var missing = Missing(model);
        if (missing.Count > 0)
            throw new OnnxUnsupportedException($"no operator {string.Join(", ", missing.Select(m => m.Value == 1 ? m.Key : $"{m.Key} (×{m.Value})"))}");
    }

    /// <summary>Operators that are missing, as in <c>Conv-11</c> with the version that the model imports, and how many nodes ask for each.</summary>
    public static SortedDictionary<string, int> Missing(ModelProto model)
    {
        var missing = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var functions = Functions(model);
        foreach (var graph in new[] { model.Graph }.Concat(model.TrainingInfo.SelectMany(t => new[] { t.Initialization, t.Algorithm })).OfType<GraphProto>())
            Visit(graph.Node, Frame.OpsetsOf(model.OpsetImport));
        foreach (var function in model.Functions)
            Visit(function.Node, function.OpsetImport.Count > 0 ? Frame.OpsetsOf(function.OpsetImport) : Frame.OpsetsOf(model.OpsetImport));
        return missing;

        void Visit(IEnumerable<NodeProto> nodes, IReadOnlyDictionary<string, long> opsets)
        {
            foreach (var node in nodes)
            {
                string domain = Frame.Domain(node.Domain);
                long version = opsets.GetValueOrDefault(domain);
                if (!functions.ContainsKey((domain, node.OpType, node.Overload)) && OnnxOperators.Find(domain, node.OpType, version) is null)
                {
                    string name = $"{(domain.Length == 0 ? "" : domain + ".")}{node.OpType}-{version}";
                    missing[name] = missing.GetValueOrDefault(name) + 1;
                }

                foreach (var graph in node.Attribute.Where(a => a.G is not null).Select(a => a.G).Concat(node.Attribute.SelectMany(a => a.Graphs)))
                    Visit(graph.Node, opsets);
            }
        }
    }

    internal static Dictionary<(string Domain, string Name, string Overload), FunctionProto> Functions(ModelProto model) => model.Functions
        .GroupBy(f => (Frame.Domain(f.Domain), f.Name, f.Overload)).ToDictionary(g => g.Key, g => g.First());
}
