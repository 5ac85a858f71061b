using System.Security.Cryptography;

namespace Singa.Actors.Collective;

/// <summary>Fills <paramref name="into"/> with the bytes from <paramref name="offset"/> on. Several threads may call it at once.</summary>
public delegate void BlobReader(long offset, Span<byte> into);

/// <summary>Bytes that others may fetch: a job's form, a replica, data, a trained model.</summary>
public sealed record Blob(long Length, BlobReader Read)
{
    private const string Prefix = "sha256:";

    public static Blob Of(ReadOnlyMemory<byte> content) =>
        new(content.Length, (offset, into) => content.Span.Slice((int)offset, into.Length).CopyTo(into));

    /// <summary>The name that says what the content is: whoever fetches it checks it.</summary>
    public static string NameOf(ReadOnlySpan<byte> content) => NameOfHash(SHA256.HashData(content));

    public static string NameOfHash(ReadOnlySpan<byte> sha256) => Prefix + Convert.ToHexStringLower(sha256);

    /// <summary>Whether the name says what the content is.</summary>
    public static bool IsContentName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);
}

/// <summary>Takes a blob as it comes.</summary>
public interface IBlobSink
{
    /// <summary>Bytes follow from the beginning; what was written before counts no more. Called before the first byte, and again where another source has to begin anew.</summary>
    void Begin(long length);

    void Write(ReadOnlySpan<byte> bytes);
}

/// <summary>A blob in memory.</summary>
public sealed class MemorySink : IBlobSink
{
    private byte[] content = [];
    private int at;

    public ReadOnlyMemory<byte> Content => content.AsMemory(0, at);

    public void Begin(long length) => (content, at) = (new byte[length], 0);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(content.AsSpan(at));
        at += bytes.Length;
    }
}
