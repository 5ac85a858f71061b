using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>A member's rows of one bucket. <c>Subtrees[i]</c>: the shards whose sum row i is, ascending; a member without samples has none.</summary>
public readonly record struct Contribution(HostRows Rows, ImmutableArray<ShardRange> Subtrees, IExchangeCompletion Done)
{
    /// <summary>Rows that it brings beside those of its device; default: none. Used up like the others.</summary>
    public ImmutableArray<SubtreeRow> Further { get; init; }

    /// <summary>Told what becomes of the rows; null: nobody asks.</summary>
    public RowMark? Mark { get; init; }

    public int RowCount => Subtrees.Length + (Further.IsDefault ? 0 : Further.Length);
}
