namespace Singa.Actors.Graph;

/// <summary>The numbers of a tensor, row by row and little-endian, wherever they lie. They never change.</summary>
public abstract class TensorValues
{
    public abstract long Bytes { get; }

    /// <summary>Copies as many bytes as <paramref name="target"/> takes, from byte <paramref name="offset"/> on; both count whole elements.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public abstract void CopyTo(long offset, Span<byte> target);

    protected void Check(long offset, long length)
    {
        if (offset < 0 || length > Bytes - offset)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{length} bytes from byte {offset} of {Bytes}");
    }
}
