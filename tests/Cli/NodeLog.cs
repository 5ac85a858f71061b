using System.Diagnostics;
using System.Threading.Channels;

namespace Singa.Actors.Cli.Tests;

/// <summary>What a node writes to standard error, as it comes. SINGA_TEST_LOGS names a folder that keeps it.</summary>
internal sealed class NodeLog
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);
    private static int count;

    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    // A word to whoever waits, at each line; more than one at a time mean no more than one.
    private readonly List<Channel<bool>> waiting = [];
    private readonly Task reading;
    private readonly string? kept;

    public NodeLog(Process process, string name)
    {
        if (Environment.GetEnvironmentVariable("SINGA_TEST_LOGS") is { Length: > 0 } folder)
            kept = Path.Combine(Directory.CreateDirectory(folder).FullName, $"{Environment.ProcessId}-{Interlocked.Increment(ref count):D3}-{name}-{process.Id}.log");
        reading = ReadAsync(process.StandardError);
    }

    public int Count
    {
        get
        {
            lock (gate)
                return lines.Count;
        }
    }

    /// <summary>Everything; returns when the process has ended.</summary>
    public async Task<string[]> AllAsync()
    {
        await reading;
        return Since(0);
    }

    public string[] Since(int line)
    {
        lock (gate)
            return [.. lines.Skip(line)];
    }

    /// <summary>What the test does to it.</summary>
    public void Note(string what) => Add($"{DateTime.UtcNow:HH:mm:ss.fff} ---- {what} by the test");

    /// <summary>Returns the first line from there on with this text, as soon as it is there.</summary>
    public async Task<string> SaysAsync(string text, int from = 0)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        lock (gate)
            waiting.Add(news);
        try
        {
            while (true)
            {
                if (Since(from).FirstOrDefault(l => l.Contains(text, StringComparison.Ordinal)) is { } line)
                    return line;
                await news.Reader.ReadAsync(deadline.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"the node never said '{text}' but: {string.Join('\n', Since(from))}", exception);
        }
        finally
        {
            lock (gate)
                waiting.Remove(news);
        }
    }

    private async Task ReadAsync(StreamReader errors)
    {
        while (await errors.ReadLineAsync() is { } line)
            Add(line);
        lock (gate)
        {
            foreach (var news in waiting)
                news.Writer.TryComplete();
        }
    }

    private void Add(string line)
    {
        lock (gate)
        {
            lines.Add(line);
            if (kept is not null)
                File.AppendAllText(kept, line + "\n");
            foreach (var news in waiting)
                news.Writer.TryWrite(true);
        }
    }
}
