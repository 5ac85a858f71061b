using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// Where names have their meaning: a graph or a function, and for a graph within a graph what surrounds it. <c>Attributes</c>: in a function
/// those of the node that called it.
/// </summary>
internal sealed class Frame(Frame? outer, ImmutableDictionary<string, long> opsets, ImmutableDictionary<string, AttributeProto>? attributes, int depth)
{
    private readonly Dictionary<string, OnnxValue> values = new(StringComparer.Ordinal);

    /// <summary>Version of each domain's operators.</summary>
    public ImmutableDictionary<string, long> Opsets => opsets;

    public ImmutableDictionary<string, AttributeProto>? Attributes => attributes;

    public int Depth => depth;

    public OnnxValue? Find(string name) => values.TryGetValue(name, out var value) ? value : outer?.Find(name);

    /// <exception cref="OnnxException">The graph has made a value of that name before.</exception>
    public void Set(string name, OnnxValue value)
    {
        if (!values.TryAdd(name, value))
            throw new OnnxException($"'{name}' is made twice");
    }

    public Frame Inner() => new(this, opsets, attributes, depth + 1);

    public static ImmutableDictionary<string, long> OpsetsOf(IEnumerable<OperatorSetIdProto> imports) =>
        imports.GroupBy(o => Domain(o.Domain)).ToImmutableDictionary(g => g.Key, g => g.First().Version);

    /// <summary>The two names of the default domain are one.</summary>
    public static string Domain(string name) => name == "ai.onnx" ? "" : name;
}
