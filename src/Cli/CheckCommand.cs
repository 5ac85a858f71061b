using Singa.Actors.Runtime.Checking;

namespace Singa.Actors.Cli;

/// <summary><c>singa check</c>: a line a file, whether it is what it claims to be.</summary>
internal static class CheckCommand
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(10);

    // What the runtime itself takes beside the heap stays below 1 GiB with it.
    private const ulong HeapBytesMax = 896UL << 20;

    private const int StackBytes = 16 << 20;

    public static int Run(string[] words, TextWriter output)
    {
        var files = Arguments.Parse(words).Operands;
        if (files.Count == 0)
            throw new UsageException("FILE is missing");
        AppContext.SetData("GCHeapHardLimit", HeapBytesMax);
        GC.RefreshMemoryLimit();
        bool refused = false;
        foreach (string file in files)
        {
            string? reason = Judge(file);
            output.WriteLine(reason is null ? $"{file} ok" : $"{file} refused: {OneLine(file, reason)}");
            refused |= reason is not null;
            GC.Collect();
        }

        return refused ? ExitCode.Refused : ExitCode.Done;
    }

    /// <summary>On a thread of its own, which is left behind where it does not come to an end.</summary>
    private static string? Judge(string file)
    {
        string? reason = $"looking at it takes longer than {TimeMax.TotalSeconds:0} s";
        var thread = new Thread(() => reason = Reason(file), StackBytes) { IsBackground = true };
        thread.Start();
        return thread.Join(TimeMax) ? reason : $"looking at it takes longer than {TimeMax.TotalSeconds:0} s";
    }

    private static string? Reason(string file)
    {
        try
        {
            return FileCheck.Refusal(file);
        }
        catch (Exception e)
        {
            // No file should come here; if one does, the others are judged all the same.
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    /// <summary>Reasons that begin with the file's name need not say it again.</summary>
    private static string OneLine(string file, string reason)
    {
        string line = string.Join(' ', reason.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return line.StartsWith(file, StringComparison.Ordinal) && line.Length > file.Length ? line[file.Length..].TrimStart(' ', ',', ':') : line;
    }
}
