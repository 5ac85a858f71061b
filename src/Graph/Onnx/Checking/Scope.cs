namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>The values that a graph's nodes may read, with their types as far as these are known: its own, and those of the graph around it.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, string?> own = new(StringComparer.Ordinal);

    public Scope? Outer => outer;

    public bool Has(string name) => own.ContainsKey(name) || (outer?.Has(name) ?? false);

    /// <summary>As <see cref="TypeName"/> writes it; null where it is not known.</summary>
    public string? TypeOf(string name) => own.TryGetValue(name, out string? type) ? type : outer?.TypeOf(name);

    /// <summary>False where the graph has the name already.</summary>
    public bool Add(string name, string? type) => own.TryAdd(name, type);
}
