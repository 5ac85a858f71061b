using System.Text;

namespace Singa.Actors.Runtime.Data.Text;

/// <summary>What a token of a text is.</summary>
public enum TextTokens
{
    /// <summary>A Unicode character; its number is its place among those that occur, in order of their code points.</summary>
    Characters,

    /// <summary>A byte; its number is itself.</summary>
    Bytes,
}

/// <summary>From text to the numbers a model takes, and back. <c>Characters</c> are those that have a number, in its order; empty for bytes.</summary>
public sealed record Vocabulary(TextTokens Tokens, string Characters)
{
    /// <summary>Compact tokens have 16 bits.</summary>
    public const int SizeMax = 1 << 16;

    private const int Bytes = 256;

    private readonly Lazy<(Rune[] Runes, Dictionary<Rune, int> Numbers)> tables = new(() =>
    {
        Rune[] runes = [.. Characters.EnumerateRunes()];
        return (runes, runes.Select((rune, number) => (rune, number)).ToDictionary(x => x.rune, x => x.number));
    });

    public int Size => Tokens == TextTokens.Bytes ? Bytes : tables.Value.Runes.Length;

    /// <exception cref="ArgumentException">A character has no number: it did not occur in the text that was trained on.</exception>
    public int[] Encode(string text)
    {
        if (Tokens == TextTokens.Bytes)
            return [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
        return [.. text.EnumerateRunes().Select(rune => tables.Value.Numbers.TryGetValue(rune, out int number) ? number
            : throw new ArgumentException($"U+{rune.Value:X4} has no number: it did not occur in the text that was trained on", nameof(text)))];
    }

    /// <exception cref="ArgumentOutOfRangeException">A number stands for nothing.</exception>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var text = new StringBuilder(tokens.Length);
        var bytes = new byte[Tokens == TextTokens.Bytes ? tokens.Length : 0];
        for (int i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)Size)
                throw new ArgumentOutOfRangeException(nameof(tokens), tokens[i], $"tokens are 0 up to, not including, {Size}");
            if (Tokens == TextTokens.Bytes)
                bytes[i] = (byte)tokens[i];
            else
                text.Append(tables.Value.Runes[tokens[i]].ToString());
        }

        return Tokens == TextTokens.Bytes ? Encoding.UTF8.GetString(bytes) : text.ToString();
    }

    public bool Equals(Vocabulary? other) => other is not null && Tokens == other.Tokens && Characters == other.Characters;

    public override int GetHashCode() => HashCode.Combine(Tokens, Characters);
}
