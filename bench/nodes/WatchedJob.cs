using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Bench.Nodes;

/// <summary>A job as <c>singa submit</c> has it trained, and when it heard of which step.</summary>
internal sealed class WatchedJob : IDisposable
{
    private const double EndsWithin = 10;

    private readonly ITrainingRun run;
    private readonly Page page;
    private readonly List<Commit> commits = [];
    private readonly Lock gate = new();
    private readonly AutoResetEvent news = new(false);
    private string? ended;

    private WatchedJob(ITrainingRun run, Page page)
    {
        (this.run, this.page) = (run, page);
        _ = Task.Run(FollowAsync);
    }

    public IReadOnlyList<Commit> Commits
    {
        get
        {
            lock (gate)
                return [.. commits];
        }
    }

    public bool HasEnded
    {
        get
        {
            lock (gate)
                return ended is not null;
        }
    }

    /// <param name="text">What stands in <c>job { … }</c>.</param>
    public static WatchedJob Submit(ClusterClient client, string text, Page page)
    {
        var job = JobFile.Parse($"job {{ {text} }}", "bench", Environment.CurrentDirectory).Job;
        return new WatchedJob(client.Training().SubmitAsync(job, new TrainingOptions { KeepLedger = true }).GetAwaiter().GetResult(), page);
    }

    /// <summary>The first commit that is so and was heard after <paramref name="since"/>.</summary>
    /// <exception cref="BenchException">None came in time, or the job ended.</exception>
    public Commit First(double since, double patience, string what, Func<Commit, bool> holds)
    {
        double begin = Clock.Now;
        for (int seen = 0; ;)
        {
            lock (gate)
            {
                for (; seen < commits.Count; seen++)
                {
                    if (commits[seen].At > since && holds(commits[seen]))
                        return commits[seen];
                }

                if (ended is not null)
                    throw new BenchException($"the job ended while it was waited for {what}: {ended}");
            }

            double left = begin + patience - Clock.Now;
            if (left <= 0)
                throw new BenchException($"{patience:0} s were not enough for {what}");
            news.WaitOne(TimeSpan.FromSeconds(Math.Min(left, 1)));
        }
    }

    /// <summary>Median seconds from one commit to the next, over the last that one generation made one after the other.</summary>
    public double StepSeconds(int steps = 30)
    {
        var last = Commits;
        var recent = last.Reverse().TakeWhile(c => c.Generation == last[^1].Generation).Take(steps + 1).Select(c => c.At).ToArray();
        return recent.Zip(recent.Skip(1), (later, earlier) => later - earlier).Median();
    }

    /// <summary>Longest time without a commit within a stretch of time.</summary>
    public double LongestGap(double from, double to)
    {
        double[] times = [from, .. Commits.Select(c => c.At).Where(t => t > from && t < to), to];
        return times.Zip(times.Skip(1), (earlier, later) => later - earlier).Max();
    }

    public void Dispose()
    {
        if (!run.CancelAsync().Wait(TimeSpan.FromSeconds(EndsWithin)))
            page.Fault($"a job that was cancelled had not ended after {EndsWithin:0} s");
    }

    private async Task FollowAsync()
    {
        await foreach (var progress in run.Progress)
        {
            var commit = new Commit(
                Clock.Now, progress.Step, progress.Committed.Max(c => c.Generation), progress.Samples, progress.StepTime.TotalSeconds,
                [.. progress.Committed.Select(c => (c.Shard, c.Worker[..c.Worker.LastIndexOf('/')]))], progress.Shards);
            lock (gate)
                commits.Add(commit);
            news.Set();
        }

        string end = run.Completion.Exception?.GetBaseException().Message ?? $"{run.Completion.Status}";
        lock (gate)
            ended = end;
        news.Set();
    }
}
