using System.Collections.Immutable;
using Singa.Actors.Collective;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// Rows that a worker brings to its first step beside those of its device: copies of what its node has kept, which the round uses up. Held until
/// the device has let go, for a round may be at them for as long.
/// </summary>
internal sealed class FirstRows(ImmutableArray<SumRow> kept) : IDisposable
{
    public ImmutableArray<SumRow> Rows { get; private set; } = [.. kept.Select(r => r.Copy())];

    public ImmutableArray<ImmutableArray<SubtreeRow>> ByBucket(int buckets) =>
        [.. Enumerable.Range(0, buckets).Select(b => Rows.Select(r => new SubtreeRow(r.Shards, SumRow.AddressOf(r.Buckets[b]))).ToImmutableArray())];

    public void Dispose() => Rows = [];
}
