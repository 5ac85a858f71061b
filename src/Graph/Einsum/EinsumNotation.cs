using System.Collections.Immutable;

namespace Singa.Actors.Graph;

/// <summary>
/// Which label each axis of each operand has, and the result's. A letter's label is its character; the axes of an ellipsis are −1, −2, …
/// from the right, so that those of several operands meet as broadcasting says.
/// </summary>
internal sealed record EinsumNotation(ImmutableArray<ImmutableArray<int>> Operands, ImmutableArray<int> Result)
{
    private const string Ellipsis = "...";

    public static EinsumNotation Parse(string notation, ImmutableArray<Shape> shapes)
    {
        string text = string.Concat(notation.Where(c => !char.IsWhiteSpace(c)));
        string[] sides = text.Split("->");
        if (sides.Length > 2)
            throw Refused("it has more than one ->");
        string[] terms = sides[0].Split(',');
        if (terms.Length != shapes.Length)
            throw Refused($"it names {terms.Length} operands and {shapes.Length} are given");
        var operands = terms.Select((term, i) => Labels(term, i, shapes[i])).ToImmutableArray();
        int ellipsis = operands.SelectMany(o => o).Where(l => l < 0).Select(l => -l).DefaultIfEmpty(0).Max();
        return new EinsumNotation(operands, sides.Length == 2 ? Result(sides[1]) : Implicit());

        ImmutableArray<int> Labels(string term, int operand, Shape shape)
        {
            var (before, after) = Parts(term, $"operand {operand}");
            int rest = shape.Rank - before.Length - (after?.Length ?? 0);
            if (rest < 0 || (after is null && rest != 0))
                throw Refused($"operand {operand} is '{term}' and has shape {shape}");
            return [.. before.Select(c => (int)c), .. Enumerable.Range(0, after is null ? 0 : rest).Select(i => i - rest), .. (after ?? "").Select(c => (int)c)];
        }

        ImmutableArray<int> Result(string term)
        {
            var (before, after) = Parts(term, "the result");
            if (after is null && ellipsis > 0)
                throw Refused("the operands' … has axes and the result has none: write ... in the result");
            ImmutableArray<int> labels = [.. before.Select(c => (int)c), .. Further(after is not null), .. (after ?? "").Select(c => (int)c)];
            if (labels.GroupBy(l => l).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw Refused($"the result has '{(char)twice.Key}' twice");
            return labels.FirstOrDefault(l => l > 0 && !operands.Any(o => o.Contains(l))) is > 0 and var unknown
                ? throw Refused($"the result's '{(char)unknown}' is in no operand") : labels;
        }

        ImmutableArray<int> Implicit() =>
            [.. Further(true), .. operands.SelectMany(o => o).Where(l => l > 0).GroupBy(l => l).Where(g => g.Count() == 1).Select(g => g.Key).Order()];

        IEnumerable<int> Further(bool any) => Enumerable.Range(0, any ? ellipsis : 0).Select(i => i - ellipsis);

        (string Before, string? After) Parts(string term, string what)
        {
            string[] parts = term.Split(Ellipsis);
            if (parts.Length > 2)
                throw Refused($"{what} has two ellipses");
            if (parts.SelectMany(p => p).Where(c => !char.IsAsciiLetter(c)).Cast<char?>().FirstOrDefault() is { } odd)
                throw Refused($"{what} is '{term}': axes are letters, not '{odd}'");
            return (parts[0], parts.Length == 2 ? parts[1] : null);
        }

        GraphException Refused(string why) => new($"einsum '{notation}': {why}");
    }
}
