using Singa.Actors.Collective;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>Pieces of memory as one blob, one behind the other.</summary>
internal sealed class BlobParts(ReadOnlyMemory<byte>[] parts)
{
    public Blob ToBlob() => new(parts.Sum(p => (long)p.Length), Read);

    private void Read(long offset, Span<byte> into)
    {
        foreach (var part in parts)
        {
            if (offset < part.Length)
            {
                var piece = part.Span[(int)offset..];
                piece = piece[..Math.Min(piece.Length, into.Length)];
                piece.CopyTo(into);
                into = into[piece.Length..];
                offset += piece.Length;
            }

            if (into.IsEmpty)
                return;
            offset -= part.Length;
        }
    }
}
