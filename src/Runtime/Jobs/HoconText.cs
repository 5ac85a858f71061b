namespace Singa.Actors.Runtime.Jobs;

/// <summary>
/// Looks for what the parser forgives but a person would want to know: brackets and quotes that do not close, with the line. (The
/// parser takes a file that ends in the middle of an object for complete, and ignores what follows a bracket too many.)
/// </summary>
internal static class HoconText
{
    /// <returns>Null, or what is wrong and where, as in <c>line 3: '{' is never closed</c>.</returns>
    public static string? Fault(string text)
    {
        var open = new Stack<(char Bracket, int Line)>();
        int line = 1;
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
                    i = End(text, i, "\n") - 1;
                    break;
                case '"':
                    int end = Quoted(text, i);
                    if (end < 0)
                        return $"line {line}: a quote is never closed";
                    line += text.AsSpan(i, end - i).Count('\n');
                    i = end - 1;
                    break;
                case '{' or '[':
                    open.Push((c, line));
                    break;
                case '}' or ']':
                    if (!open.TryPop(out var last))
                        return $"line {line}: '{c}' closes nothing";
                    if (last.Bracket != (c == '}' ? '{' : '['))
                        return $"line {line}: '{c}' does not close the '{last.Bracket}' of line {last.Line}";
                    break;
            }
        }

        return open.TryPop(out var first) ? $"line {first.Line}: '{first.Bracket}' is never closed" : null;
    }

    /// <summary>Where the quoted text that begins at a place has ended; negative where it does not.</summary>
    private static int Quoted(string text, int start)
    {
        if (text.AsSpan(start).StartsWith("\"\"\""))
        {
            int close = text.IndexOf("\"\"\"", start + 3, StringComparison.Ordinal);
            return close < 0 ? -1 : close + 3;
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

    private static int End(string text, int start, string mark)
    {
        int found = text.IndexOf(mark, start, StringComparison.Ordinal);
        return found < 0 ? text.Length : found;
    }
}
