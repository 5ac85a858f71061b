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

    /// <summary>Null, or what is wrong and where, as in <c>line 3: '{' is never closed</c>.</summary>
    public static string? Fault(string text) => Scan(text.ToCharArray());

    /// <summary>The text as the parser can take it.</summary>
    public static string Prepare(string text)
    {
        var prepared = text.ToCharArray();
        Scan(prepared);
        return new string(prepared);
    }

    private static string? Scan(char[] text)
    {
        var open = new Stack<(char Bracket, int Line)>();
        int line = 1;
        char before = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '\n':
                    line++;
                    break;
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

            if (!char.IsWhiteSpace(c))
                before = c;
        }

        return open.TryPop(out var first) ? $"line {first.Line}: '{first.Bracket}' is never closed" : null;
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
