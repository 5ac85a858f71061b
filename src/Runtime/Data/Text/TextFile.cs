using System.Buffers;
using System.Text;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Text;

/// <summary>A text read a piece at a time, so that whoever only counts needs no memory for it.</summary>
internal static class TextFile
{
    private const int PieceBytes = 1 << 16, RuneBytesMax = 4;

    /// <summary>The file's bytes: as many as it had when it was opened, whatever is appended meanwhile.</summary>
    /// <returns>Pieces in one buffer: each is gone when the next is asked for.</returns>
    /// <exception cref="JobRefusedException">It cannot be read, or is larger than what an array can hold.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Bytes(string path, CancellationToken cancellation)
    {
        using var file = DataFile.Open(path);
        foreach (var piece in Bytes(file, path, cancellation))
            yield return piece;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Bytes(Stream file, string path, CancellationToken cancellation)
    {
        long left = Length(file, path);
        var piece = new byte[PieceBytes];
        while (left > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = DataFile.Fill(file, path, piece.AsSpan(0, (int)Math.Min(piece.Length, left)));
            if (read == 0)
                throw new JobRefusedException($"{path} became shorter while it was read; wait until it is whole");
            left -= read;
            yield return piece.AsMemory(0, read);
        }
    }

    /// <summary>The file's code points. It is UTF-8; a byte order mark at its beginning is none of them.</summary>
    /// <returns>Pieces in one buffer: each is gone when the next is asked for.</returns>
    /// <exception cref="JobRefusedException">As <see cref="Bytes"/>, or it is not UTF-8: names the byte.</exception>
    public static IEnumerable<ReadOnlyMemory<int>> CodePoints(string path, CancellationToken cancellation)
    {
        using var file = DataFile.Open(path);
        foreach (var piece in CodePoints(file, path, cancellation))
            yield return piece;
    }

    /// <param name="file">From its beginning on.</param>
    /// <param name="path">What it is called.</param>
    /// <exception cref="JobRefusedException"/>
    public static IEnumerable<ReadOnlyMemory<int>> CodePoints(Stream file, string path, CancellationToken cancellation)
    {
        var points = new int[PieceBytes + RuneBytesMax];
        var pending = new byte[PieceBytes + RuneBytesMax];
        int kept = 0;
        long position = 0;
        foreach (var piece in Bytes(file, path, cancellation))
        {
            piece.Span.CopyTo(pending.AsSpan(kept));
            var (used, count) = Decode(pending.AsSpan(0, kept + piece.Length), points, position, path);
            position += used;
            kept += piece.Length - used;
            pending.AsSpan(used, kept).CopyTo(pending);
            yield return points.AsMemory(0, count);
        }

        if (kept > 0)
            throw NotUtf8(path, position);
    }

    /// <summary>Bytes in the file.</summary>
    /// <exception cref="JobRefusedException"/>
    public static long Length(string path)
    {
        using var file = DataFile.Open(path);
        return Length(file, path);
    }

    private static long Length(Stream file, string path) => file.Length <= Array.MaxLength
        ? file.Length
        : throw new JobRefusedException($"{path} has {file.Length:N0} bytes; a text can have up to {Array.MaxLength:N0}: split it and train on a part");

    /// <summary>All whole code points. What is left at the end may be completed by the next piece.</summary>
    private static (int Used, int Count) Decode(ReadOnlySpan<byte> bytes, int[] points, long position, string path)
    {
        int used = 0, count = 0;
        while (used < bytes.Length)
        {
            if (bytes[used] < 0x80)
            {
                points[count++] = bytes[used++];
                continue;
            }

            switch (Rune.DecodeFromUtf8(bytes[used..], out var rune, out int length))
            {
                case OperationStatus.Done:
                    if (rune.Value != 0xFEFF || position + used != 0)
                        points[count++] = rune.Value;
                    used += length;
                    break;
                case OperationStatus.NeedMoreData:
                    return (used, count);
                default:
                    throw NotUtf8(path, position + used);
            }
        }

        return (used, count);
    }

    private static JobRefusedException NotUtf8(string path, long position) =>
        new($"{path} is not UTF-8: byte {position:N0} (counted from 0) begins no character; convert it, or set data.tokens = bytes");
}
