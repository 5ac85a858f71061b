using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>A model's own functions: each once, each whole in itself, none that calls itself.</summary>
internal static class FunctionCheck
{
    public static void Run(ModelProto model, TensorReader reader, OnnxLimits limits)
    {
        var functions = new Dictionary<(string, string, string), FunctionProto>();
        foreach (var function in model.Functions)
        {
            string name = Name(function);
            if (function.Name.Length == 0)
                throw new OnnxException("a function has no name");
            if (!functions.TryAdd(Key(function.Domain, function.Name, function.Overload), function))
                throw new OnnxException($"{name} stands twice");
            ModelCheck.Opsets(function.OpsetImport, name, required: false);
            if (function.Attribute.Concat(function.AttributeProto.Select(a => a.Name)).GroupBy(a => a).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new OnnxException($"{name} has attribute {twice.Key} twice");
            foreach (var attribute in function.AttributeProto)
                AttributeForm.Check(attribute, name, inFunction: false, model.IrVersion);
            var opsets = Frame.OpsetsOf(function.OpsetImport.Count > 0 ? function.OpsetImport : model.OpsetImport);
            var scope = new Scope(null);
            if (function.Input.FirstOrDefault(i => !scope.Add(i, null)) is { } same)
                throw new OnnxException($"{name} has input '{same}' twice");
            new GraphCheck(reader, limits, opsets, model.IrVersion, inFunction: true).Nodes(function.Node, scope, ImmutableDictionary<string, string>.Empty);
            if (function.Output.FirstOrDefault(o => !scope.Has(o)) is { } missing)
                throw new OnnxException($"{name} has output '{missing}', which nothing in it makes");
            if (function.Output.GroupBy(o => o).FirstOrDefault(g => g.Count() > 1) is { } both)
                throw new OnnxException($"{name} has output '{both.Key}' twice");
        }

        Circles(functions);
    }

    /// <summary>Depth first; a function that is met again on the way to itself calls itself.</summary>
    private static void Circles(Dictionary<(string, string, string), FunctionProto> functions)
    {
        var done = new HashSet<FunctionProto>(ReferenceEqualityComparer.Instance);
        foreach (var start in functions.Values)
        {
            var path = new Stack<(FunctionProto Function, Queue<FunctionProto> Calls)>();
            var on = new HashSet<FunctionProto>(ReferenceEqualityComparer.Instance);
            Enter(start);
            while (path.TryPeek(out var top))
            {
                if (top.Calls.TryDequeue(out var next))
                {
                    Enter(next);
                    continue;
                }

                path.Pop();
                on.Remove(top.Function);
                done.Add(top.Function);
            }

            void Enter(FunctionProto function)
            {
                if (done.Contains(function))
                    return;
                if (!on.Add(function))
                    throw new OnnxException($"{Name(function)} calls itself");
                path.Push((function, new Queue<FunctionProto>(Calls(function.Node).Distinct())));
            }
        }

        IEnumerable<FunctionProto> Calls(IEnumerable<NodeProto> nodes) => nodes.SelectMany(n =>
            (functions.TryGetValue(Key(n.Domain, n.OpType, n.Overload), out var called) ? [called] : Enumerable.Empty<FunctionProto>())
            .Concat(n.Attribute.SelectMany(a => a.Graphs.Prepend(a.G).OfType<GraphProto>()).SelectMany(g => Calls(g.Node))));
    }

    private static (string, string, string) Key(string domain, string name, string overload) => (Frame.Domain(domain), name, overload);

    private static string Name(FunctionProto function) => $"function '{function.Domain}.{function.Name}'";
}
