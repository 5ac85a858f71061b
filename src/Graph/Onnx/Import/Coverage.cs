using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>Which operators of a model there are, before anything is built.</summary>
public static class Coverage
{
    // Of one operator, by name; further ones are counted.
    private const int NodesNamed = 100;

    /// <exception cref="OnnxUnsupportedException">Names every operator that is missing and the nodes that ask for it.</exception>
    public static void Check(ModelProto model)
    {
        var missing = Missing(model);
        if (missing.Count > 0)
            throw new OnnxUnsupportedException($"no operator {string.Join(", ", missing.Select(m => $"{m.Key} ({Nodes(m.Value)})"))}");
    }

    /// <summary>Operators that are missing, as in <c>Conv-11</c> with the version that the model imports, and the nodes that ask for each.</summary>
    public static SortedDictionary<string, List<NodeProto>> Missing(ModelProto model)
    {
        var missing = new SortedDictionary<string, List<NodeProto>>(StringComparer.Ordinal);
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
                    if (!missing.TryGetValue(name, out var asking))
                        missing.Add(name, asking = []);
                    asking.Add(node);
                }

                foreach (var graph in node.Attribute.Where(a => a.G is not null).Select(a => a.G).Concat(node.Attribute.SelectMany(a => a.Graphs)))
                    Visit(graph.Node, opsets);
            }
        }
    }

    /// <summary>By their names; those without one by what they make.</summary>
    private static string Nodes(List<NodeProto> nodes) => (nodes.Count == 1 ? "node " : "nodes ")
        + string.Join(", ", nodes.Take(NodesNamed).Select(n => n.Name.Length > 0 ? $"'{n.Name}'" : $"of '{n.Output.FirstOrDefault()}'"))
        + (nodes.Count > NodesNamed ? $" and {nodes.Count - NodesNamed:N0} more" : "");

    internal static Dictionary<(string Domain, string Name, string Overload), FunctionProto> Functions(ModelProto model) => model.Functions
        .GroupBy(f => (Frame.Domain(f.Domain), f.Name, f.Overload)).ToDictionary(g => g.Key, g => g.First());
}
