using System.Diagnostics;

namespace Singa.Actors.Cli.Tests;

/// <summary>Waits, without looking at a clock, until a run has come so far.</summary>
internal static class Following
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <summary>Returns when the file has so many lines, or the process has ended before: how many there are.</summary>
    public static async Task<int> LinesAsync(Process process, string file, int lines)
    {
        // Never disposed: a process tells of its end whenever it likes.
        var news = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(Path.GetDirectoryName(file)!, Path.GetFileName(file));
        watcher.Changed += (_, _) => news.Release();
        watcher.Created += (_, _) => news.Release();
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => news.Release();
        watcher.EnableRaisingEvents = true;
        int count = Count(file);
        while (!process.HasExited && count < lines)
        {
            if (!await news.WaitAsync(Deadline))
                throw new TimeoutException($"{file} has {count} lines and none came for {Deadline}; {lines} were waited for");
            count = Count(file);
        }

        return count;
    }

    public static int Count(string file)
    {
        if (!File.Exists(file))
            return 0;
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        int count = 0;
        while (reader.ReadLine() is not null)
            count++;
        return count;
    }
}
