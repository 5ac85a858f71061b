namespace Singa.Actors.Bench.Nodes;

/// <summary>Something could not be measured; the message says why and stands in its place.</summary>
internal sealed class BenchException(string message) : Exception(message);
