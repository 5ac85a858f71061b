namespace Singa.Actors.Runtime.Data.Text;

/// <summary>A text as the numbers of its tokens, in a byte each where the vocabulary allows and in two elsewhere.</summary>
internal sealed class Tokens
{
    private readonly byte[]? narrow;
    private readonly ushort[]? wide;

    /// <param name="size">Of the vocabulary.</param>
    public Tokens(int length, int size)
    {
        Length = length;
        if (size <= 1 << 8)
            narrow = new byte[length];
        else
            wide = new ushort[length];
    }

    public int Length { get; }

    public void Set(int position, int token)
    {
        if (narrow is not null)
            narrow[position] = (byte)token;
        else
            wide![position] = (ushort)token;
    }

    /// <summary>As many as fit, from a position on.</summary>
    public void Copy(long first, Span<int> target)
    {
        if (narrow is not null)
            Widen(narrow.AsSpan((int)first, target.Length), target);
        else
            Widen(wide.AsSpan((int)first, target.Length), target);
    }

    private static void Widen<T>(ReadOnlySpan<T> tokens, Span<int> target) where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = int.CreateTruncating(tokens[i]);
    }
}
