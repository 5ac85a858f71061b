using System.Text.Json;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// Files of <see cref="MetricsWriter"/> and <see cref="LedgerWriter"/> that an earlier run of the same job has left, perhaps in the middle of a line.
/// </summary>
public static class StepLines
{
    private const byte Newline = (byte)'\n';
    private const int PieceBytes = 1 << 16;

    /// <summary>How many steps are on record; null where there is none.</summary>
    public static long? Recorded(Stream file)
    {
        long? recorded = null;
        foreach (var (_, isWhole, step) in Lines(file))
        {
            // A line that breaks off may be one of several of its step: the step before it is the last that is certain to be whole.
            if (!isWhole || step is null)
                return recorded is null ? null : recorded - 1;
            recorded = step + 1;
        }

        return recorded;
    }

    /// <summary>Takes off everything from a step on, and whatever is no whole line; the next line is written behind what is left.</summary>
    public static void CutFrom(Stream file, long firstStep)
    {
        long end = 0;
        foreach (var (lineEnd, isWhole, step) in Lines(file))
        {
            if (!isWhole || step is null || step >= firstStep)
                break;
            end = lineEnd;
        }

        file.SetLength(end);
        file.Position = end;
    }

    private static IEnumerable<(long End, bool IsWhole, long? Step)> Lines(Stream file)
    {
        file.Position = 0;
        var (piece, line, end) = (new byte[PieceBytes], new MemoryStream(), 0L);
        for (int read; (read = file.Read(piece)) > 0;)
        {
            for (int at = 0; at < read;)
            {
                int length = piece.AsSpan(at, read - at).IndexOf(Newline);
                int taken = length < 0 ? read - at : length + 1;
                line.Write(piece, at, taken);
                at += taken;
                end += taken;
                if (length < 0)
                    continue;
                yield return (end, true, StepOf(line.GetBuffer().AsSpan(0, (int)line.Length)));
                line.SetLength(0);
            }
        }

        if (line.Length > 0)
            yield return (end, false, null);
    }

    private static long? StepOf(ReadOnlySpan<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 1 && json.ValueTextEquals("step"u8))
                    return json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long step) ? step : null;
            }
        }
        catch (JsonException)
        {
            // Whatever this is, no run of ours wrote it.
        }

        return null;
    }
}
