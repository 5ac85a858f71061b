using System.Collections.Immutable;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective.Peers;

/// <summary>A peer takes part in a generation. <c>Digest</c>: of the group as it knows it; <c>Number</c>: what it wants to be called by.</summary>
internal readonly record struct Announcement(JobId Job, Generation Generation, long Digest, uint Number)
{
    public Frame ToFrame()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Job.Value);
        writer.Write(Generation.Number);
        writer.Write(Digest);
        return Frames.Of(FrameKind.Opened, Number, bytes);
    }

    /// <exception cref="HandshakeException">It makes no sense.</exception>
    public static Announcement Of(in FrameHeader header, nint payload)
    {
        uint number = header.Group;
        return Frames.Read(header, payload, reader => new Announcement(new JobId(reader.ReadString()), new Generation(reader.ReadInt64()), reader.ReadInt64(), number));
    }
}

/// <summary>A peer takes part in a generation no more. <c>Missing</c>: ranks that it blames.</summary>
internal sealed record Farewell(JobId Job, Generation Generation, string Reason, ImmutableArray<int> Missing)
{
    private const int LongestReason = 2000;
    private const int MostMissing = 4096;

    public Frame ToFrame()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Job.Value);
        writer.Write(Generation.Number);
        writer.Write(Reason.Length <= LongestReason ? Reason : Reason[..LongestReason]);
        writer.Write(Math.Min(MostMissing, Missing.Length));
        foreach (int rank in Missing.Take(MostMissing))
            writer.Write(rank);
        return Frames.Of(FrameKind.Left, 0, bytes);
    }

    /// <exception cref="HandshakeException">It makes no sense.</exception>
    public static Farewell Of(in FrameHeader header, nint payload) => Frames.Read(header, payload, reader =>
    {
        var (job, generation, reason) = (new JobId(reader.ReadString()), new Generation(reader.ReadInt64()), reader.ReadString());
        int[] missing = new int[Math.Clamp(reader.ReadInt32(), 0, MostMissing)];
        foreach (ref int rank in missing.AsSpan())
            rank = reader.ReadInt32();
        return new Farewell(job, generation, reason, [.. missing]);
    });
}
