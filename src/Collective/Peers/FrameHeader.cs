using System.Runtime.InteropServices;

namespace Singa.Actors.Collective.Peers;

/// <summary>What a frame is.</summary>
internal enum FrameKind : byte
{
    /// <summary>The sender takes part in a generation; its other frames' <c>Group</c> is what it wants to be sent. Payload: <see cref="Announcement"/>.</summary>
    Opened = 1,

    /// <summary>A segment of one of the sender's rows, for whoever adds it.</summary>
    Row,

    /// <summary>A segment's total, from whoever added it. <c>Rows</c> 0: nobody had a row, there is none.</summary>
    Total,

    /// <summary>Rank <c>Row</c> of the sender has arrived with a bucket.</summary>
    Arrived,

    /// <summary>The sender takes part in the generation no more. Payload: <see cref="Farewell"/>.</summary>
    Left,

    /// <summary>The sending process ends.</summary>
    Goodbye,
}

/// <summary>What every frame begins with; little-endian, as it lies in memory.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Bytes)]
internal struct FrameHeader
{
    public const int Bytes = 48;

    /// <summary>Bytes that follow.</summary>
    public int Length;

    public FrameKind Kind;

    /// <summary>Of the bucket's elements.</summary>
    public byte Type;

    /// <summary>How many rows of the bucket the sender has.</summary>
    public ushort Rows;

    /// <summary>The receiver's number for the job's generation.</summary>
    public uint Group;

    public int Bucket;

    public long Step;

    public int Segment;

    /// <summary>Which of the sender's rows.</summary>
    public int Row;

    /// <summary>The shards whose sum it is.</summary>
    public int First;

    public int Count;

    /// <summary>Bytes of one row of the whole bucket.</summary>
    public long BucketBytes;
}
