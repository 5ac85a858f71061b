using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>The sum over a subtree's shards, and where it lies.</summary>
public readonly record struct SubtreeRow(ShardRange Shards, nint Address);
