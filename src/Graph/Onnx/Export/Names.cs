namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>Names within one graph, each given once.</summary>
internal sealed class Names
{
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);

    /// <summary>The name itself where it is free, else with a number behind it.</summary>
    public string Take(string wanted)
    {
        string name = wanted;
        for (int n = counts.GetValueOrDefault(wanted); !taken.Add(name); name = $"{wanted}.{++n}")
            counts[wanted] = n + 1;
        return name;
    }
}
