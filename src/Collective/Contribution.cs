using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>A member's rows of one bucket. <c>Subtrees[i]</c>: the shards whose sum row i is, ascending; a member without samples has none.</summary>
public readonly record struct Contribution(HostRows Rows, ImmutableArray<ShardRange> Subtrees, IExchangeCompletion Done);
