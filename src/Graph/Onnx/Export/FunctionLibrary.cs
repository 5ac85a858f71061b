using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>The functions of a model: equal bodies are one function.</summary>
internal sealed class FunctionLibrary
{
    private readonly Dictionary<(string Kind, ByteString Body), string> known = [];
    private readonly Dictionary<string, int> counts = [];

    public List<FunctionProto> Functions { get; } = [];

    /// <summary>The name to call the function by: the kind, or where there are others of that kind the kind, a dot and a number.</summary>
    public string Add(string kind, FunctionProto body)
    {
        var key = (kind, body.ToByteString());
        if (known.TryGetValue(key, out var name))
            return name;
        int count = counts[kind] = counts.GetValueOrDefault(kind) + 1;
        known[key] = name = count == 1 ? kind : $"{kind}.{count}";
        var function = body.Clone();
        function.Name = name;
        Functions.Add(function);
        return name;
    }
}
