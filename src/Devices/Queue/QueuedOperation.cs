using System.Collections.Immutable;

namespace Singa.Actors.Devices.Queue;

internal enum OperationState : byte
{
    Waiting,
    Ready,
    Running,

    /// <summary>Will not run, but what it waits for still points to it.</summary>
    Dropped,
}

/// <summary>One operation of one submission, from admission to completion; a record that the queue uses again afterwards.</summary>
public sealed class QueuedOperation
{
    /// <summary>The job it belongs to.</summary>
    public JobLane Lane { get; internal set; } = null!;

    public long Tag => Submission.Tag;

    /// <summary>The section's number in the plan.</summary>
    public int Section { get; internal set; }

    /// <summary>The operation's number in the section.</summary>
    public int Index { get; internal set; }

    public ImmutableArray<Memory<byte>> HostBuffers { get; internal set; }

    /// <summary>Whether all else of its submission is done.</summary>
    public bool IsLast => Submission.Alive == 1;

    internal Submission Submission { get; set; } = null!;

    /// <summary>Position in the order of admission.</summary>
    internal long Sequence { get; set; }

    internal int Priority { get; set; }

    /// <summary>It is only begun here, and done while others run.</summary>
    internal bool RunsBeside { get; set; }

    /// <summary>Operations that must be done first.</summary>
    internal int Waits { get; set; }

    internal OperationState State { get; set; }

    /// <summary>Runs nowhere: stands between two runs of sections that share memory.</summary>
    internal bool IsBarrier => Index < 0;

    /// <summary>First of the edges to those that wait for this one; −1 for none.</summary>
    internal int Edges { get; set; }

    /// <summary>First of its entries in lists of readers; −1 for none.</summary>
    internal int Accesses { get; set; }
}

/// <summary>Sections admitted together and reported together.</summary>
internal sealed class Submission
{
    private readonly List<int> ends = [];
    private QueuedOperation[] operations = new QueuedOperation[16];
    private int spoilt;

    public JobLane Lane { get; private set; } = null!;

    public long Tag { get; private set; }

    public ISubmissionListener Listener { get; private set; } = null!;

    /// <summary>Operations not yet done.</summary>
    public int Alive { get; set; }

    /// <summary>The listener has heard of its failure.</summary>
    public bool Reported { get; set; }

    public long BusyTicks { get; set; }

    public int Count { get; private set; }

    public Submission? Next { get; set; }

    /// <summary>Operations admitted with it; those already done may serve another submission by now.</summary>
    public ReadOnlySpan<QueuedOperation> Operations => operations.AsSpan(0, Count);

    public void Reset(JobLane lane, long tag, ISubmissionListener listener)
    {
        Lane = lane;
        Tag = tag;
        Listener = listener;
        Alive = Count = 0;
        ends.Clear();
        spoilt = int.MaxValue;
        BusyTicks = 0;
        Reported = false;
        Next = null;
    }

    public void Add(QueuedOperation operation)
    {
        if (Count == operations.Length)
            Array.Resize(ref operations, 2 * Count);
        operations[Count++] = operation;
        Alive++;
    }

    public void EndSection() => ends.Add(Count);

    /// <summary>How many operations the first so many sections have.</summary>
    public int EndOf(int sections) => sections == 0 ? 0 : ends[Math.Min(sections, ends.Count) - 1];

    /// <summary>How many sections end before its operation number <paramref name="at"/>.</summary>
    public int SectionsBefore(int at) => ends.Count(end => end <= at);

    /// <summary>Its operation number <paramref name="at"/> will not do what it should.</summary>
    public void Spoil(int at) => spoilt = Math.Min(spoilt, at);

    /// <summary>How many of the first sections have run without a gap, once it is closed.</summary>
    public int SectionsRun => SectionsBefore(spoilt);
}
