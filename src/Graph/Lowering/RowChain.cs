namespace Singa.Actors.Graph.Lowering;

/// <summary>Operations <c>First</c> up to, not including, <c>End</c> of a section, which walk the same rows.</summary>
internal readonly record struct RowChain(int First, int End, long Rows);
