using System.Text.Json;

namespace Singa.Actors.Cli;

/// <summary><c>singa check</c>: a line a file, whether it is what it claims to be. A process beside this one looks, so that no file ends the run.</summary>
internal static class CheckCommand
{
    // A file may take 10 s and 1 GiB: a second is for starting the process, a part of the memory for what is not its heap.
    private static readonly WorkerLimits Limits = new(TimeSpan.FromSeconds(9), 960L << 20, 800L << 20);

    public static async Task<int> RunAsync(string[] words, TextWriter output)
    {
        var files = Arguments.Parse(words).Operands;
        if (files.Count == 0)
            throw new UsageException("FILE is missing");
        using var worker = new WorkerProcess([CheckWorker.Command], Limits);
        bool refused = false;
        foreach (string file in files)
        {
            var answer = await worker.AskAsync(JsonSerializer.Serialize(file));
            string? reason = answer.Line is null ? $"looking at it {answer.Fault}" : JsonSerializer.Deserialize<string>(answer.Line);
            output.WriteLine(reason is null ? $"{file} ok" : $"{file} refused: {OneLine(file, reason)}");
            refused |= reason is not null;
        }

        return refused ? ExitCode.Refused : ExitCode.Done;
    }

    /// <summary>Reasons that begin with the file's name need not say it again.</summary>
    private static string OneLine(string file, string reason)
    {
        string line = string.Concat(reason.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.StartsWith(file, StringComparison.Ordinal) && line.Length > file.Length ? line[file.Length..].TrimStart(' ', ',', ':') : line;
    }
}
