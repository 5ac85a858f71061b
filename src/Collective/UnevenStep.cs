using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>
/// A step in which members bring other shards than their own: some of it was done before the generation began. <c>Brought[rank]</c>: subtrees of
/// the tree; those of all members are all shards that have samples, and none twice.
/// </summary>
public sealed record UnevenStep(long Step, ImmutableArray<ImmutableArray<ShardRange>> Brought);
