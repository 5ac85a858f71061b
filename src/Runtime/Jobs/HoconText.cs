namespace Singa.Actors.Runtime.Jobs;

/// <summary>
/// Makes up for what the parser forgives and for what it does not. It takes a file that ends in the middle of an object for complete
/// and ignores what follows a bracket too many: here that is a fault, with its line. It stumbles over a comma after an object that
/// has no '=' before it, which HOCON allows: here that becomes the end of a line, which says the same.
/// </summary>
internal static class HoconText
{
    // The parser goes down with every bracket.
    private const int DepthMax = 64;

    private static readonly string[] Included = ["\"", "file(", "url(", "classpath(", "required(", "package("];

    /// <summary>Null, or what is wrong and where, as in <c>line 3: '{' is never closed</c>.</summary>
    public static string? Fault(string text) => Scan(text.ToCharArray(), []);

    /// <summary>What a text without faults refers to, in its order.</summary>
    public static IReadOnlyList<Substitutions.Reference> References(string text)
    {
        var found = new List<Substitutions.Reference>();
        Scan(text.ToCharArray(), found);
        return found;
    }

    /// <summary>The text as the parser can take it.</summary>
    public static string Prepare(string text)
    {
        var prepared = text.ToCharArray();
        Scan(prepared, []);
        return new string(prepared);
    }

    private static string? Scan(char[] text, List<Substitutions.Reference> references)
    {
        var open = new Stack<(char Bracket, int Line)>();
        int line = 1, dots = 0;
        bool begins = true;
        char before = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (begins && c == 'i' && Includes(text, i))
                return $"line {line}: a job includes no other file";
            dots = c switch { '.' => dots + 1, '\n' or ',' or '}' or '[' or ']' => 0, _ => dots };
            if (c is '=' or ':' or '{' && dots > DepthMax)
                return $"line {line}: a key nests more than {DepthMax} deep";
            switch (c)
            {
                case '\n':
                    line++;
                    break;
                case '$' when text.AsSpan(i).StartsWith("${"):
                    int close = text.AsSpan(i).IndexOf('}');
                    if (close < 0 || text.AsSpan(i, close).Contains('\n'))
                        return $"line {line}: '${{' is never closed";
                    references.Add(new Substitutions.Reference(i, close + 1, line, new string(text, i + 2, close - 2).Trim()));
                    i += close;
                    (before, begins) = ('}', false);
                    continue;
                case '#':
                case '/' when text.AsSpan(i).StartsWith("//"):
                    i = EndOfLine(text, i) - 1;
                    continue;
                case '"':
                    int end = Quoted(text, i);
                    if (end < 0)
                        return $"line {line}: a quote is never closed";
                    line += text.AsSpan(i, end - i).Count('\n');
                    i = end - 1;
                    break;
                case ',' when before == '}' && !(open.TryPeek(out var around) && around.Bracket == '['):
                    text[i] = '\n';
                    break;
                case '{' or '[':
                    open.Push((c, line));
                    if (open.Count > DepthMax)
                        return $"line {line}: brackets nest more than {DepthMax} deep";
                    break;
                case '}' or ']':
                    if (!open.TryPop(out var last))
                        return $"line {line}: '{c}' closes nothing";
                    if (last.Bracket != (c == '}' ? '{' : '['))
                        return $"line {line}: '{c}' does not close the '{last.Bracket}' of line {last.Line}";
                    break;
            }

            if (c is '=' or ':' or '{')
                dots = 0;
            begins = c switch { '{' or '}' or ',' => true, '\n' => before is not ('=' or ':'), _ => begins && char.IsWhiteSpace(c) };
            if (!char.IsWhiteSpace(c))
                before = c;
        }

        return open.TryPop(out var first) ? $"line {first.Line}: '{first.Bracket}' is never closed" : null;
    }

    /// <summary>Whether here, where a key could begin, something is included instead.</summary>
    private static bool Includes(ReadOnlySpan<char> text, int start)
    {
        if (!text[start..].StartsWith("include") || start + 7 >= text.Length || !char.IsWhiteSpace(text[start + 7]))
            return false;
        var what = text[(start + 7)..].TrimStart();
        foreach (string kind in Included)
        {
            if (what.StartsWith(kind))
                return true;
        }

        return false;
    }

    /// <summary>Where the quoted text that begins at a place has ended; negative where it does not.</summary>
    private static int Quoted(ReadOnlySpan<char> text, int start)
    {
        if (text[start..].StartsWith("\"\"\""))
        {
            int close = text[(start + 3)..].IndexOf("\"\"\"");
            return close < 0 ? -1 : start + 3 + close + 3;
        }

        for (int i = start + 1; i < text.Length && text[i] != '\n'; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                return i + 1;
        }

        return -1;
    }

    private static int EndOfLine(ReadOnlySpan<char> text, int start)
    {
        int length = text[start..].IndexOf('\n');
        return length < 0 ? text.Length : start + length;
    }
}
