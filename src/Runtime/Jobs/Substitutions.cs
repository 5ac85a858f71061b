using System.Text;
using System.Text.RegularExpressions;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>
/// What <c>${…}</c> in a job stand for, looked at before the parser resolves them: it follows circles until the stack ends, and a few lines
/// that refer to one another twice over make gigabytes.
/// </summary>
internal sealed partial class Substitutions
{
    private const int CountMax = 256;
    private const long CharactersMax = 1 << 20;

    private readonly IReadOnlyList<Reference> references;
    private readonly Setting root;
    private readonly Dictionary<Setting, long> sizes = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Setting> within = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<int> seen = [];

    private Substitutions(IReadOnlyList<Reference> references, Setting root) => (this.references, this.root) = (references, root);

    /// <summary>A <c>${…}</c> in a text.</summary>
    internal sealed record Reference(int Start, int Length, int Line, string Path);

    /// <summary>Null, or what is wrong with the substitutions of a text and where.</summary>
    /// <param name="parse">A text without substitutions as settings.</param>
    public static string? Fault(string text, IReadOnlyList<Reference> references, Func<string, Setting> parse)
    {
        if (references.Count > CountMax)
            return $"line {references[CountMax].Line}: there are more than {CountMax} ${{…}}";
        if (references.FirstOrDefault(r => !Plain().IsMatch(r.Path)) is { } odd)
            return $"line {odd.Line}: ${{{odd.Path}}} is no path";
        var check = new Substitutions(references, parse(Marked(text, references)));
        try
        {
            if (check.Size(check.root) > CharactersMax)
                return $"${{…}} make more than {CharactersMax:N0} characters of it";
        }
        catch (CircleException e)
        {
            return $"line {e.At.Line}: ${{{e.At.Path}}} leads back to itself";
        }

        return Enumerable.Range(0, references.Count).FirstOrDefault(i => !check.seen.Contains(i), -1) is >= 0 and var lost
            ? $"line {references[lost].Line}: ${{{references[lost].Path}}} is written over or stands beside what it cannot be joined with" : null;
    }

    /// <summary>The text with a mark instead of each reference: where it is joined with an object, an object itself.</summary>
    private static string Marked(string text, IReadOnlyList<Reference> references)
    {
        var marked = new StringBuilder();
        int done = 0;
        for (int i = 0; i < references.Count; i++)
        {
            var (start, length, _, _) = references[i];
            var between = text.AsSpan(done, start - done);
            marked.Append(between);
            done = start + length;
            bool joined = text.AsSpan(done).TrimStart(' ') is ['{', ..] || between.TrimEnd(' ') is [.., '}'];
            marked.Append(joined ? $"{{ mark = {Mark(i)} }}" : Mark(i));
        }

        return marked.Append(text, done, text.Length - done).ToString();
    }

    private static string Mark(int number) => $"\u00A7{number}\u00A7";

    /// <summary>Characters that a place has when all is put in.</summary>
    private long Size(Setting place)
    {
        if (sizes.TryGetValue(place, out long known))
            return known;
        within.Add(place);
        long size = place.Key.Length;
        foreach (var item in place.Items)
            size += Size(item);
        if (!place.IsObject)
        {
            foreach (string text in place.Written())
                size += text.Length + Marks().Matches(text).Sum(m => Referred(int.Parse(m.Groups[1].ValueSpan)));
        }

        within.Remove(place);
        return sizes[place] = Math.Min(size, CharactersMax + 1);
    }

    private long Referred(int number)
    {
        if (number >= references.Count)
            return 0;
        seen.Add(number);
        var place = root;
        foreach (string key in references[number].Path.TrimStart('?').Split('.'))
        {
            // What is a reference itself may have the rest of the path.
            if (!place.IsObject || place.Find(key) is not { } next)
                break;
            place = next;
        }

        if (ReferenceEquals(place, root))
            return 0;
        return within.Contains(place) ? throw new CircleException(references[number]) : Size(place);
    }

    private sealed class CircleException(Reference at) : Exception
    {
        public Reference At => at;
    }

    [GeneratedRegex(@"^\??[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
    private static partial Regex Plain();

    [GeneratedRegex("\u00A7([0-9]{1,4})\u00A7")]
    private static partial Regex Marks();
}
