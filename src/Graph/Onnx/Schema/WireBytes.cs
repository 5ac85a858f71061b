namespace Singa.Actors.Graph.Onnx.Schema;

/// <summary>Bytes one after the other, of an array or of a file of any length through a window of fixed size.</summary>
internal ref struct WireBytes
{
    private const int WindowBytes = 1 << 16;

    private readonly Stream? rest;
    private readonly byte[]? buffer;
    private ReadOnlySpan<byte> window;
    private long before;
    private int at;

    public WireBytes(ReadOnlySpan<byte> all)
    {
        window = all;
        Length = all.Length;
    }

    /// <param name="file">From where it stands on.</param>
    public WireBytes(Stream file) => (rest, buffer, Length) = (file, new byte[WindowBytes], file.Length - file.Position);

    public long Length { get; }

    public readonly long Position => before + at;

    /// <exception cref="OnnxException">The file has become shorter.</exception>
    public byte Next()
    {
        if (at == window.Length)
            Refill();
        return window[at++];
    }

    public void Skip(long bytes)
    {
        if (bytes <= window.Length - at)
        {
            at += (int)bytes;
            return;
        }

        rest!.Seek(bytes - (window.Length - at), SeekOrigin.Current);
        Empty(Position + bytes);
    }

    /// <summary>The next bytes in one piece.</summary>
    public ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes <= window.Length - at)
        {
            at += bytes;
            return window.Slice(at - bytes, bytes);
        }

        var piece = new byte[bytes];
        int have = window.Length - at;
        window[at..].CopyTo(piece);
        if (rest!.ReadAtLeast(piece.AsSpan(have), bytes - have, throwOnEndOfStream: false) < bytes - have)
            throw Shorter();
        Empty(Position + bytes);
        return piece;
    }

    /// <summary>Nothing is at hand; the file stands at a position.</summary>
    private void Empty(long position)
    {
        before = position;
        at = 0;
        window = default;
    }

    private void Refill()
    {
        before += at;
        at = 0;
        int read = rest!.Read(buffer!);
        window = buffer.AsSpan(0, read);
        if (read == 0)
            throw Shorter();
    }

    private static OnnxException Shorter() => new("the file became shorter while it was read");
}
