using System.Globalization;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli;

/// <summary>A command's arguments, taken apart: options as <c>--name VALUE</c> or <c>--name=VALUE</c>, the rest in order.</summary>
internal sealed class Arguments
{
    private readonly ILookup<string, string> options;

    private Arguments(string[] operands, ILookup<string, string> options) => (Operands, this.options) = (operands, options);

    public IReadOnlyList<string> Operands { get; }

    /// <param name="known">Names of the options the command has, with their dashes; each takes a value.</param>
    /// <exception cref="UsageException"/>
    public static Arguments Parse(IEnumerable<string> words, params string[] known)
    {
        var operands = new List<string>();
        var options = new List<(string Name, string Value)>();
        using var word = words.GetEnumerator();
        while (word.MoveNext())
        {
            if (!word.Current.StartsWith('-') || word.Current == "-")
            {
                operands.Add(word.Current);
                continue;
            }

            var (name, value) = word.Current.Split('=', 2) is [var left, var right] ? (left, right) : (word.Current, null);
            if (!known.Contains(name))
                throw new UsageException($"there is no option {name}{(known.Length == 0 ? "" : $"; did you mean {NearestName.To(name, known)}?")}");
            options.Add((name, value ?? (word.MoveNext() ? word.Current : throw new UsageException($"{name} needs a value"))));
        }

        return new Arguments([.. operands], options.ToLookup(o => o.Name, o => o.Value));
    }

    public IEnumerable<string> All(string option) => options[option];

    /// <exception cref="UsageException">It is given more than once.</exception>
    public string? Find(string option) => options[option].ToArray() switch
    {
        [] => null,
        [var value] => value,
        _ => throw new UsageException($"{option} is given more than once"),
    };

    /// <exception cref="UsageException">It is no whole number, or too small.</exception>
    public long? FindWhole(string option, long least)
    {
        if (Find(option) is not { } text)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= int.MaxValue
            ? value
            : throw new UsageException($"{option} takes a whole number of at least {least}, not '{text}'");
    }

    /// <summary>The one operand that the command takes.</summary>
    /// <exception cref="UsageException"/>
    public string Only(string what) => Operands.Count == 1
        ? Operands[0]
        : throw new UsageException(Operands.Count == 0 ? $"{what} is missing" : $"one {what} is enough, not {Operands.Count}: {string.Join(' ', Operands)}");
}
