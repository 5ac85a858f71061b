using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// The sum over a subtree of one step's shards, in the host's memory: all that travels, by bucket. <c>Buckets</c> never move.
/// </summary>
internal sealed record SumRow(ShardRange Shards, ImmutableArray<byte[]> Buckets)
{
    /// <summary>Addition uses rows up; whoever wants to keep them hands out copies.</summary>
    public SumRow Copy() => new(Shards, [.. Buckets.Select(b => Pinned(b))]);

    public static byte[] Pinned(ReadOnlySpan<byte> content)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(content.Length, pinned: true);
        content.CopyTo(bytes);
        return bytes;
    }

    public static unsafe nint AddressOf(byte[] pinned)
    {
        fixed (byte* first = pinned)
            return (nint)first;
    }
}

/// <summary>
/// What a worker at rest has of the step that was interrupted, its own gradients and whatever else it was to bring. <c>Computed</c>: how many
/// shards it has computed. <c>States</c>: by bucket, what the broken round has made of the rows.
/// </summary>
internal sealed record BroughtSums(int Rank, int Computed, ImmutableArray<SumRow> Rows, ImmutableArray<DType> Types, ImmutableArray<RowState> States);

/// <summary>Sums of one step that are worth keeping: disjoint subtrees.</summary>
internal sealed record StepSums(long Step, ImmutableArray<SumRow> Rows)
{
    /// <summary>
    /// Of all that the workers of a process have. Where a round had begun to add rows of theirs in some buckets, that is done in all, which takes
    /// the rows of every member here; rows that are used up are lost.
    /// </summary>
    /// <param name="group">Of the interrupted generation.</param>
    /// <param name="here">Ranks of this process.</param>
    public static StepSums Of(long step, RoundGroup group, IReadOnlyCollection<int> here, IReadOnlyCollection<BroughtSums> brought)
    {
        if (here.Count > 0 && here.All(r => brought.Any(b => b.Rank == r)) && brought.Any(b => b.States.Contains(RowState.Gathered)))
            return new StepSums(step, brought.Any(b => b.States.Contains(RowState.Spent)) ? [] : Gathered(group, group.Covers(here, step), brought));
        return new StepSums(step, [.. brought.Where(b => b.States.All(s => s is RowState.Brought)).SelectMany(b => b.Rows)]);
    }

    /// <summary>With those of <paramref name="before"/> whose shards are not in it, where they are of the same step.</summary>
    public StepSums With(StepSums? before) => before?.Step != Step
        ? this
        : this with { Rows = [.. Rows, .. before.Rows.Where(b => !Rows.Any(r => r.Shards.First < b.Shards.End && b.Shards.First < r.Shards.End))] };

    private static ImmutableArray<SumRow> Gathered(RoundGroup group, Func<ShardRange, bool> covers, IReadOnlyCollection<BroughtSums> brought)
    {
        var types = brought.First().Types;
        var left = new List<SubtreeRow>();
        SumRow[]? sums = null;
        for (int bucket = 0; bucket < types.Length; bucket++)
        {
            var arrays = brought.SelectMany(b => b.Rows).Select(r => r.Buckets[bucket]).ToDictionary(SumRow.AddressOf);
            int bytes = arrays.Values.First().Length;
            // All of them lie beside the device, wherever they came from.
            Contribution[] rows =
            [
                .. brought.Select(b => new Contribution(new HostRows(SumRow.AddressOf(arrays.Values.First()), 0, bytes / types[bucket].Size(), types[bucket]), [], Nobody.Instance)
                {
                    Further = [.. b.Rows.Select(r => new SubtreeRow(r.Shards, SumRow.AddressOf(r.Buckets[bucket])))],
                }),
            ];
            TreeSum.Gather(group.Shards, rows, covers, left, isDone: brought.First().States[bucket] is RowState.Gathered);
            sums ??= [.. left.Select(r => new SumRow(r.Shards, []))];
            for (int i = 0; i < sums.Length; i++)
                sums[i] = sums[i] with { Buckets = sums[i].Buckets.Add(arrays[left[i].Address]) };
        }

        return [.. sums ?? []];
    }

    private sealed class Nobody : IExchangeCompletion
    {
        public static readonly Nobody Instance = new();

        public void Complete()
        {
        }

        public void Fail(string reason)
        {
        }
    }
}
