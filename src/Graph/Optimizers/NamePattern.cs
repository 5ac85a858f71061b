using System.IO.Enumeration;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>
/// Which parameters somebody means. Names are parts with dots between them. A pattern without a dot matches any one part, as
/// <c>norm*</c> does in <c>blocks.3.norm1.weight</c>; one with dots matches from the name's beginning: <c>*.bias</c>, <c>blocks.0</c>.
/// What matches a layer matches all that is in it. <c>*</c> is any letters, dots too, and <c>?</c> is one.
/// </summary>
public static class NamePattern
{
    public static bool Matches(string pattern, string name)
    {
        var parts = name.Split('.');
        return pattern.Contains('.')
            ? Enumerable.Range(1, parts.Length).Any(count => Is(string.Join('.', parts[..count])))
            : parts.Any(Is);

        bool Is(string text) => FileSystemName.MatchesSimpleExpression(pattern, text, ignoreCase: false);
    }

    public static bool Any(Seq<string> patterns, string name) => patterns.Any(p => Matches(p, name));
}
