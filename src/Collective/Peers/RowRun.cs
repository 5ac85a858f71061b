namespace Singa.Actors.Collective.Peers;

/// <summary>
/// The rows of one bucket that a peer adds, as the frames that take them there: made one after the other when there is room to send, so
/// that a bucket waits in a queue as one thing. Used again round after round.
/// </summary>
internal sealed class RowRun
{
    private readonly int bucket;
    private readonly int process;
    private FrameHeader header;
    private int ordinal, row;

    public RowRun(PeerSeats seats, int bucket, int process)
    {
        (Seats, this.bucket, this.process) = (seats, bucket, process);
        Node = new LinkedListNode<RowRun>(this);
    }

    public PeerSeats Seats { get; }

    public int Bucket => bucket;

    public int Process => process;

    public LinkedListNode<RowRun> Node { get; }

    /// <summary>Counts its uses: news of an earlier one is none of the present one.</summary>
    public int Use { get; private set; }

    /// <param name="group">The peer's number for the generation.</param>
    public void Start(uint group, FrameHeader frame)
    {
        Use++;
        header = frame with { Group = group, Kind = FrameKind.Row };
        ordinal = row = 0;
    }

    /// <returns>Whether this frame is the last.</returns>
    public bool Next(out FrameHeader frame, out nint payload)
    {
        var (cut, rows) = (Seats.Round.Cut(bucket), Seats.Rows(bucket));
        int segment = cut.Segment(process, ordinal);
        frame = header;
        frame.Segment = segment;
        frame.Row = row;
        payload = 0;
        if (row < rows.Count)
        {
            (frame.First, frame.Count) = (rows[row].Shards.First, rows[row].Shards.Count);
            frame.Length = cut.Length(segment);
            payload = rows[row].Address + (nint)cut.Offset(segment);
        }

        if (++row >= rows.Count)
            (row, ordinal) = (0, ordinal + 1);
        return ordinal == cut.Owned(process);
    }
}
