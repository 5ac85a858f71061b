using System.Collections.Immutable;
using System.Globalization;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>How many of them a node has.</summary>
internal readonly record struct Count(int Least, int Most)
{
    public bool Has(int count) => count >= Least && count <= Most;

    public override string ToString() => Least == Most ? $"{Least}" : Most == int.MaxValue ? $"at least {Least}" : $"{Least} to {Most}";

    /// <summary>From <c>2</c>, <c>2-3</c> or <c>2-*</c>.</summary>
    public static Count Parse(string text)
    {
        string[] ends = text.Split('-');
        return new Count(Number(ends[0]), Number(ends[^1]));

        static int Number(string end) => end == "*" ? int.MaxValue : int.Parse(end, CultureInfo.InvariantCulture);
    }
}

/// <summary>An input or an output. <c>Type</c>: a type as <see cref="TypeName"/> writes it, or a variable.</summary>
internal sealed record Place(string Type, bool IsAlike, bool IsMany, bool IsOptional)
{
    public static Place Parse(string text) => new(text.TrimEnd('*', '?'), !text.EndsWith("**", StringComparison.Ordinal), text.EndsWith('*'), text.EndsWith('?'));
}

internal sealed record AttributeSlot(ImmutableArray<Kind> Kinds, bool IsRequired);

/// <summary>A line of <c>OperatorForms.txt</c>: an operator from one version of its domain on.</summary>
internal sealed record OperatorForm(
    string Name, long Since, Count Inputs, Count Outputs, ImmutableArray<Place> In, ImmutableArray<Place> Out,
    ImmutableDictionary<string, ImmutableArray<string>> Types, ImmutableDictionary<string, AttributeSlot> Attributes)
{
    /// <param name="sets">Types that have a name together.</param>
    public static OperatorForm Parse(string line, IReadOnlyDictionary<string, ImmutableArray<string>> sets)
    {
        string[] words = line.Split(' ');
        string[] places = words[4].Split('>');
        string[] types = [.. words[5..].Where(w => w.Contains('='))];
        return new OperatorForm(words[0], long.Parse(words[1], CultureInfo.InvariantCulture), Count.Parse(words[2]), Count.Parse(words[3]), Places(places[0]), Places(places[1]),
            types.Select(w => w.Split('=')).ToImmutableDictionary(w => w[0], w => sets.GetValueOrDefault(w[1], [.. w[1].Split('|')])),
            words[5..].Except(types).Select(w => w.Split(':')).ToImmutableDictionary(w => w[0], w => new AttributeSlot([.. w[1].TrimEnd('!').Select(KindOf)], w[1].EndsWith('!'))));
    }

    /// <summary>The place of an input or output by its number; null where nothing is known of it.</summary>
    public static Place? At(ImmutableArray<Place> places, int number) =>
        number < places.Length ? places[number] : places is [.., { IsMany: true } last] ? last : null;

    private static ImmutableArray<Place> Places(string text) => text.Length == 0 ? [] : [.. Split(text).Select(Place.Parse)];

    /// <summary>At the commas that are not within brackets.</summary>
    private static IEnumerable<string> Split(string text)
    {
        int depth = 0, start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (text[i] != ',' || depth > 0)
                continue;
            yield return text[start..i];
            start = i + 1;
        }

        yield return text[start..];
    }

    private static Kind KindOf(char letter) => letter switch
    {
        'f' => Kind.Float,
        'i' => Kind.Int,
        's' => Kind.String,
        't' => Kind.Tensor,
        'g' => Kind.Graph,
        'y' => Kind.TypeProto,
        'p' => Kind.SparseTensor,
        'F' => Kind.Floats,
        'I' => Kind.Ints,
        'S' => Kind.Strings,
        'T' => Kind.Tensors,
        'G' => Kind.Graphs,
        _ => throw new InvalidDataException($"no kind of attribute is called '{letter}'"),
    };
}
