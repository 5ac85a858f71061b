namespace Singa.Actors.Graph;

/// <summary>The graph that was asked for cannot exist; the message says which part and why.</summary>
public sealed class GraphException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The layer it happened in, once that is known.</summary>
    public string? Layer { get; init; }

    /// <summary>The model's setting whose value is wrong, where it is one's.</summary>
    public string? Setting { get; init; }
}
