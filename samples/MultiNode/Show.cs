using System.Collections.Concurrent;
using System.Globalization;
using Spectre.Console;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>A table that is drawn over in a terminal; where the output goes elsewhere, a line for each thing that happens and one now and then.</summary>
internal sealed class Show(bool isTerminal, TimeProvider time)
{
    private const int NewsShown = 8;
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(200), Line = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<string> news = [];
    private readonly long begun = time.GetTimestamp();
    private volatile bool drawing;

    /// <summary>From any thread.</summary>
    public void Tell(string happened)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{time.GetElapsedTime(begun).TotalSeconds,6:F1} s  {happened}");
        news.Enqueue(line);
        if (!drawing)
            Console.WriteLine(line);
        if (news.Count > NewsShown)
            news.TryDequeue(out _);
    }

    /// <summary>Until it is cancelled; the last scene stays.</summary>
    public async Task RunAsync(Func<Scene> look, CancellationToken end)
    {
        if (!isTerminal)
        {
            await EachAsync(Line, Write, look, end);
            return;
        }

        drawing = true;
        await AnsiConsole.Live(LiveTable.Draw(look(), news)).StartAsync(live => EachAsync(Redraw, scene => live.UpdateTarget(LiveTable.Draw(scene, news)), look, end));
        drawing = false;
    }

    private static async Task EachAsync(TimeSpan interval, Action<Scene> draw, Func<Scene> look, CancellationToken end)
    {
        using var timer = new PeriodicTimer(interval);
        while (!end.IsCancellationRequested)
        {
            draw(look());
            await timer.WaitForNextTickAsync(end).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
        }

        draw(look());
    }

    private void Write(Scene scene) => Tell($"{LiveTable.Headline(scene)}  {string.Join(", ", scene.Nodes.Where(n => n.Shards.Length > 0).Select(n => $"{n.Name}: {n.Shards}"))}");
}
