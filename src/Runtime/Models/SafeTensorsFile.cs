namespace Singa.Actors.Runtime.Models;

/// <summary>What a safetensors file holds, tensors in ordinal order of names.</summary>
public sealed record SafeTensorsFile(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<NamedTensor> Tensors)
{
    /// <exception cref="KeyNotFoundException"/>
    public NamedTensor this[string name] => Tensors.FirstOrDefault(t => t.Name == name)
        ?? throw new KeyNotFoundException($"there is no tensor '{name}'; there are {string.Join(", ", Tensors.Select(t => t.Name))}");
}
