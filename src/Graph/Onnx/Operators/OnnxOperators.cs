using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>One operator from a version of its domain on: how a node of it becomes graph.</summary>
internal sealed record OnnxOperator(string Name, long Since, Func<OnnxCall, ImmutableArray<OnnxValue?>> Build, string Domain = "")
{
    public OnnxOperator(string name, long since, Func<OnnxCall, OnnxValue> build, string domain = "") : this(name, since, c => [build(c)], domain)
    {
    }

    /// <summary>Null: nothing is written as this operator.</summary>
    public Writer? Write { get; init; }

    /// <summary>What is written as it may be several nodes, which are then nothing else: it is asked first.</summary>
    public bool Joins { get; init; }
}

/// <summary>Every operator that the importer knows, a line each, grouped in files by what they do; and how nodes of ours are written as them.</summary>
internal static class OnnxOperators
{
    public static readonly ImmutableArray<OnnxOperator> All =
    [
        .. Arithmetic.Operators,
        .. Functions.Operators,
        .. Casts.Operators,
        .. Creation.Operators,
        .. Movement.Operators,
        .. Indexing.Operators,
        .. Reductions.Operators,
        .. Matrices.Operators,
        .. Convolutions.Operators,
        .. Pools.Operators,
        .. Normalisations.Operators,
        .. LossOperators.Operators,
        .. Quantization.Operators,
        .. ControlFlow.Operators,
        .. Sequences.Operators,
        .. TextOperators.Operators,
        .. TextVectors.Operators,
        .. Attentions.Operators,
        .. RecurrentOperators.Operators,
        .. Resizing.Operators,
        .. SamplingOperators.Operators,
        .. Signals.Operators,
        .. Detection.Operators,
        .. TrainingOperators.Operators,
        .. ClassicalOperators.Operators,
        .. OwnOperators.Operators,
    ];

    private static readonly ImmutableArray<Writer> Writers = [.. All.Where(o => o.Write is not null).OrderByDescending(o => o.Joins).Select(o => o.Write!)];

    private static readonly Dictionary<(string Domain, string Name), OnnxOperator[]> ByName =
        All.GroupBy(o => (o.Domain, o.Name)).ToDictionary(g => g.Key, g => g.OrderByDescending(o => o.Since).ToArray());

    /// <summary>The operator as that version of its domain means it; null where there is none.</summary>
    public static OnnxOperator? Find(string domain, string name, long version) =>
        ByName.TryGetValue((domain, domain == FunctionDraft.SingaDomain ? name.Split('.')[0] : name), out var versions) ? versions.FirstOrDefault(o => o.Since <= version) : null;

    /// <summary>The node as an operator: a standard one where that is the very same, else one of ours. Null where it has no form.</summary>
    public static Written? Write(Node node, WriteContext context)
    {
        foreach (var writer in Writers)
        {
            if (writer(node, context) is { } written)
                return written;
        }

        return null;
    }
}
