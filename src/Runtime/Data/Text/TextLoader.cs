using System.Collections;
using System.Text;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Text;

/// <summary>A text file as windows: the first nine tenths to train on, the rest held back.</summary>
internal static class TextLoader
{
    private const int CodePoints = 0x110000;

    public static Dataset Load(TextData data, ulong seed, CancellationToken cancellation)
    {
        var (vocabulary, count) = Survey(data, cancellation);
        var (train, test) = Parts(data, count);
        var tokens = Read(data.Path, vocabulary, count, cancellation);
        return new Dataset(
            new TextWindows(tokens, train, data.Length, vocabulary.Size, seed), new TextWindows(tokens, test, data.Length, vocabulary.Size, null), null)
        {
            Vocabulary = vocabulary,
        };
    }

    /// <summary>The file is read for its characters; of bytes there are 256.</summary>
    public static DataDescription Describe(TextData data)
    {
        var (vocabulary, count) = Survey(data, CancellationToken.None);
        var (train, test) = Parts(data, count);
        var window = new TensorType(DType.Int32, Shape.Of(data.Length));
        return new DataDescription(
            window, window, vocabulary.Size, TextWindows.TrainCount(train.End - train.First, data.Length), TextWindows.TestCount(test.End - test.First, data.Length))
        {
            Vocabulary = vocabulary,
        };
    }

    private static ((long First, long End) Train, (long First, long End) Test) Parts(TextData data, long count)
    {
        if (data.Length is < 1 or > TextData.LengthMax)
            throw new JobRefusedException($"data.length is {data.Length}; it must be within 1 … {TextData.LengthMax}");
        long held = count * 9 / 10;
        if (TextWindows.TrainCount(held, data.Length) == 0 || TextWindows.TestCount(count - held, data.Length) == 0)
        {
            throw new JobRefusedException(
                $"{data.Path} has {count:N0} {Name(data.Tokens)}, but windows of {data.Length:N0} and one more take at least {10L * data.Length + 1:N0}, "
                + "for a tenth is held back; give a longer text or a smaller data.length");
        }

        return ((0, held), (held, count));
    }

    private static (Vocabulary Vocabulary, int Count) Survey(TextData data, CancellationToken cancellation)
    {
        if (data.Tokens == TextTokens.Bytes)
            return (new Vocabulary(TextTokens.Bytes, ""), (int)TextFile.Length(data.Path));
        var (seen, count) = (new BitArray(CodePoints), 0);
        foreach (var piece in TextFile.CodePoints(data.Path, cancellation))
        {
            foreach (int point in piece.Span)
                seen[point] = true;
            count += piece.Length;
        }

        var characters = new StringBuilder();
        int size = 0;
        for (int point = 0; point < seen.Length; point++)
        {
            if (!seen[point])
                continue;
            characters.Append(new Rune(point).ToString());
            size++;
        }

        if (size > Vocabulary.SizeMax)
            throw new JobRefusedException($"{data.Path} has {size:N0} different characters; more than {Vocabulary.SizeMax:N0} are too many: set data.tokens = bytes");
        return (new Vocabulary(TextTokens.Characters, characters.ToString()), count);
    }

    private static Tokens Read(string path, Vocabulary vocabulary, int count, CancellationToken cancellation)
    {
        var tokens = new Tokens(count, vocabulary.Size);
        int position = 0;
        if (vocabulary.Tokens == TextTokens.Bytes)
        {
            foreach (var piece in TextFile.Bytes(path, cancellation))
            {
                foreach (byte b in piece.Span)
                    Add(b);
            }
        }
        else
        {
            var numbers = Numbers(vocabulary);
            foreach (var piece in TextFile.CodePoints(path, cancellation))
            {
                foreach (int point in piece.Span)
                    Add(numbers[point]);
            }
        }

        return position == count ? tokens : throw Changed(path);

        void Add(int token)
        {
            if (token < 0 || position == count)
                throw Changed(path);
            tokens.Set(position++, token);
        }
    }

    /// <summary>By code point; negative where a character has no number.</summary>
    private static int[] Numbers(Vocabulary vocabulary)
    {
        var numbers = new int[CodePoints];
        Array.Fill(numbers, -1);
        int number = 0;
        foreach (var rune in vocabulary.Characters.EnumerateRunes())
            numbers[rune.Value] = number++;
        return numbers;
    }

    private static string Name(TextTokens tokens) => tokens == TextTokens.Bytes ? "bytes" : "characters";

    private static JobRefusedException Changed(string path) => new($"{path} changed while it was read; wait until it is whole");
}
