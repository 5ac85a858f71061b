namespace Singa.Actors.Collective.Peers;

/// <summary>
/// How a bucket is cut into segments, and which process adds each: round robin, another one first for each bucket. A pure function of what
/// all processes know, so that nobody has to ask. A bucket without bytes is one empty segment.
/// </summary>
internal readonly record struct BucketCut
{
    private const int Grain = 4096;

    private readonly int bucket;
    private readonly int processes;
    private readonly bool direct;

    /// <param name="direct">Every process adds every segment for itself.</param>
    /// <param name="most">Bytes of a segment at most. Buckets too small for everybody to have one of that size are cut finer.</param>
    public BucketCut(long bytes, int bucket, int processes, bool direct, int most)
    {
        (Bytes, this.bucket, this.processes, this.direct) = (bytes, bucket, processes, direct);
        long share = (bytes + processes - 1) / processes;
        SegmentBytes = direct ? most : (int)Math.Min(most, Math.Max(Grain, (share + Grain - 1) / Grain * Grain));
        Segments = (int)Math.Max(1, (bytes + SegmentBytes - 1) / SegmentBytes);
    }

    public long Bytes { get; }

    public int SegmentBytes { get; }

    public int Segments { get; }

    public int OwnerOf(int segment) => (segment + bucket) % processes;

    public bool Owns(int process, int segment) => direct || OwnerOf(segment) == process;

    /// <summary>How many segments a process adds.</summary>
    public int Owned(int process) => direct ? Segments : (Segments - First(process) + processes - 1) / processes;

    /// <summary>The segment that is number <paramref name="ordinal"/> of those a process adds.</summary>
    public int Segment(int process, int ordinal) => direct ? ordinal : First(process) + ordinal * processes;

    /// <summary>Which of its owner's segments this one is.</summary>
    public int Ordinal(int segment) => direct ? segment : segment / processes;

    public long Offset(int segment) => (long)segment * SegmentBytes;

    public int Length(int segment) => (int)Math.Min(SegmentBytes, Bytes - Offset(segment));

    private int First(int process) => (process - bucket % processes + processes) % processes;
}
