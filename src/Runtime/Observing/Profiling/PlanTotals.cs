using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Observing.Profiling;

/// <summary>How often something was done, and for how many ticks of <see cref="System.Diagnostics.Stopwatch"/> in all.</summary>
public readonly record struct Total(long Count, long Ticks)
{
    public static Total operator +(Total total, long ticks) => new(total.Count + 1, total.Ticks + ticks);

    public static Total operator +(Total a, Total b) => new(a.Count + b.Count, a.Ticks + b.Ticks);
}

/// <summary>
/// Totals of one plan on one device. The first step compiles and warms caches, so whatever comes before the second counts apart, and only
/// where there was no second is it what stands for the plan.
/// </summary>
public sealed class PlanTotals(Plan plan)
{
    private Ledger ledger = new(plan);
    private long first = long.MaxValue;
    private bool warm;

    public Plan Plan => plan;

    /// <summary>Whether the first step was left out.</summary>
    public bool WithoutFirst => warm;

    /// <summary>From the beginning of the first to the end of the last that is counted, in ticks.</summary>
    public long Span => ledger.Last - ledger.First;

    /// <summary>Steps that the figures speak of.</summary>
    public long Steps => ledger.Steps;

    /// <summary>Time waited for other devices, and for work.</summary>
    public (Total Peers, Total Work) Waits => (ledger.Peers, ledger.Work);

    /// <summary>By section and operation: what the device's thread spent on it.</summary>
    public ImmutableArray<ImmutableArray<Total>> Operations => [.. ledger.Operations.Select(s => s.ToImmutableArray())];

    internal void Add(in Execution execution)
    {
        if (!warm && execution is { Kind: ExecutionKind.Operation, Tag: >= 0 })
        {
            // A resumed job does not begin at 0.
            first = Math.Min(first, execution.Tag);
            if (execution.Tag > first)
                (warm, ledger) = (true, new Ledger(plan));
        }

        ledger.Add(execution);
    }

    private sealed class Ledger(Plan plan)
    {
        private long highest = long.MinValue;

        public Total[][] Operations { get; } = [.. plan.Sections.Select(s => new Total[s.Operations.Length])];

        public Total Peers { get; private set; }

        public Total Work { get; private set; }

        public long First { get; private set; }

        public long Last { get; private set; }

        public long Steps { get; private set; }

        public void Add(in Execution execution)
        {
            long ticks = execution.End - execution.Start;
            switch (execution.Kind)
            {
                case ExecutionKind.Flight or ExecutionKind.HandOff:
                    return;
                case ExecutionKind.PeerWait:
                    Peers += ticks;
                    break;
                case ExecutionKind.WorkWait:
                    Work += ticks;
                    break;
                default:
                    Operations[execution.Section][execution.Operation] += ticks;
                    if (execution.Tag >= 0 && execution.Tag > highest)
                        (highest, Steps) = (execution.Tag, Steps + 1);
                    break;
            }

            First = First == 0 ? execution.Start : First;
            Last = execution.End;
        }
    }
}
