using System.Collections.Concurrent;

namespace Singa.Actors.Collective.Tests;

public sealed class InProcessTransportSpecs
{
    private readonly ManualTime time = new();
    private readonly InProcessTransport transport;
    private readonly Observer observer = new();

    public InProcessTransportSpecs() => transport = new InProcessTransport(time);

    [Fact]
    public void Members_are_told_when_all_buckets_are_totals_and_not_before()
    {
        var group = Open(Groups.Even(2, buckets: 2));
        var (a, b) = (Rows(group, 1), Rows(group, 10));
        Told[] told = [Begin(0, 0, a[0]), Begin(1, 0, a[1]), Begin(1, 1, b[1])];
        Assert.Equal([2f, 2f], a.Select(x => x.Total[0]));
        Assert.All(told, t => Assert.False(t.IsOver));
        var last = Begin(0, 1, b[0]);
        Assert.All(told.Append(last), t => Assert.Equal((1, null), (t.Count, t.Failure)));
        Assert.Equal([20f, 20f], b.Select(x => x.Total[0]));
        Assert.Equal([Groups.Round(1)], observer.Started);
        Assert.True(Assert.Single(observer.Ended).Completed);
    }

    [Fact]
    public void A_late_member_is_named_and_the_generation_is_broken()
    {
        var group = Open(Groups.Even(3));
        var rows = Rows(group, 1);
        Told[] waiting = [Begin(0, 0, rows[0]), Begin(1, 0, rows[1])];
        time.Advance(TimeSpan.FromSeconds(2.3));
        transport.Watch(Groups.Job, StepDeadline.Of(TimeSpan.FromSeconds(3)));
        Assert.All(waiting, t => Assert.False(t.IsOver));
        transport.Watch(Groups.Job, StepDeadline.Of(TimeSpan.FromSeconds(2)));
        const string Reason = "rank 2 (cpu:2) has not arrived in round 1 of generation 1 for 2.3 s";
        Assert.All(waiting, t => Assert.Equal((1, Reason), (t.Count, t.Failure)));
        Assert.Equal(Reason, Begin(2, 0, rows[2]).Failure);
        Assert.Equal(Reason, Begin(0, 0, rows[0], step: 2).Failure);
        Assert.Equal([2], Assert.Single(observer.Ended).Missing.ToArray());
    }

    [Fact]
    public void Who_leaves_is_named_to_those_who_wait()
    {
        var group = Open(Groups.Even(2));
        var waiting = Begin(0, 0, Rows(group, 1)[0]);
        var exchange = new WorkerExchange(transport);
        exchange.Join(group, 1, _ => throw new InvalidOperationException("not asked"));
        exchange.Abort("its device burns");
        Assert.Equal("rank 1 (cpu:1) left generation 1: its device burns", waiting.Failure);
    }

    [Fact]
    public void A_stale_generation_is_refused()
    {
        var old = Open(Groups.Even(2));
        var waiting = Begin(0, 0, Rows(old, 1)[0]);
        Open(Groups.Even(1, generation: 3));
        Assert.Equal("generation 1 of job digits is over; generation 3 has begun", waiting.Failure);
        Assert.Equal("round 1 of generation 1 of job digits is refused: the present one is generation 3", Begin(1, 0, Rows(old, 1)[1]).Failure);
        Assert.Equal("generation 2 of job digits is not newer than its present generation 3", transport.Open(Groups.Even(2, generation: 2)));
        transport.Abort(Groups.Job, Generation.First, "an old story");
        var alone = Rows(Groups.Even(1, generation: 3), 5)[0];
        Assert.Equal((1, null), Outcome(Begin(0, 0, alone, generation: 3)));
    }

    [Fact]
    public void A_round_that_is_over_takes_nobody()
    {
        var group = Open(Groups.Even(1));
        var bucket = Rows(group, 1)[0];
        Assert.Equal((1, null), Outcome(Begin(0, 0, bucket, step: 4)));
        Assert.Equal("round 4 of generation 1 is over", Begin(0, 0, bucket, step: 4).Failure);
    }

    [Fact]
    public void A_job_that_is_over_or_never_began_is_refused()
    {
        var group = Open(Groups.Even(2));
        var waiting = Begin(0, 0, Rows(group, 1)[0]);
        transport.Close(Groups.Job, "the job was cancelled");
        Assert.Equal("the job was cancelled", waiting.Failure);
        Assert.Contains("no generation of the job has begun", Begin(1, 0, Rows(group, 1)[1]).Failure);
    }

    [Fact]
    public void Buckets_that_do_not_fit_fail_the_round_for_all()
    {
        Open(Groups.Even(2));
        var rows = Groups.Even(2).Bring(2, 1, _ => [1]);
        var large = Groups.Even(2).Bring(2, 2, _ => [1, 2]);
        Told[] told = [Begin(0, 0, rows[0]), Begin(1, 0, large[1])];
        Assert.All(told, t => Assert.Contains("bucket 0 of round 1 of generation 1 could not be combined", t.Failure));
        Assert.All(told, t => Assert.Equal(1, t.Count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Members_on_threads_of_their_own_agree_step_after_step(int members)
    {
        const int Steps = 50, Buckets = 3;
        var group = Groups.Random(new Random(members), 16, members, Buckets);
        Assert.Null(transport.Open(group, observer));
        var rows = Enumerable.Range(0, Steps * Buckets).Select(Bring).ToArray();
        var expected = Enumerable.Range(0, rows.Length).Select(i => Combined(Bring(i))).ToArray();
        var threads = group.Members.Select(m => new Thread(() =>
        {
            for (int step = 0; step < Steps; step++)
            {
                var done = Enumerable.Range(0, Buckets).Select(_ => new Told()).ToArray();
                for (int b = 0; b < Buckets; b++)
                    transport.Begin(Groups.Round(step), m.Rank, b, rows[step * Buckets + b][m.Rank].Bring(done[b]));
                SpinWait.SpinUntil(() => done.All(d => d.IsOver), TimeSpan.FromSeconds(20));
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
        for (int i = 0; i < rows.Length; i++)
            Assert.All(rows[i], b => Assert.Equal(expected[i], b.Total.ToArray()));
        Assert.Equal(Steps, observer.Ended.Count(o => o.Completed));

        Bucket[] Bring(int i) => group.Bring(33, 100, r => [.. Enumerable.Range(0, 100).Select(e => r.Count * (e + i) * 0.1f)]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void An_abort_in_the_middle_tells_everybody_exactly_once(int seed)
    {
        var random = new Random(seed);
        const int Members = 3, Buckets = 4;
        var group = Groups.Random(random, 8, Members, Buckets);
        Assert.Null(transport.Open(group, observer));
        var told = new ConcurrentBag<Told>();
        using var start = new Barrier(Members + 1);
        var threads = group.Members.Select(m => new Thread(() =>
        {
            start.SignalAndWait();
            for (int step = 0; step < 200; step++)
            {
                var done = new Told();
                for (int b = 0; b < Buckets; b++)
                {
                    done = new Told();
                    told.Add(done);
                    transport.Begin(Groups.Round(step), m.Rank, b, group.Bring(8, 50, _ => new float[50])[m.Rank].Bring(done));
                }

                SpinWait.SpinUntil(() => done.IsOver, TimeSpan.FromSeconds(20));
                if (done.Failure is not null)
                    return;
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        start.SignalAndWait();
        int rounds = random.Next(20);
        SpinWait.SpinUntil(() => observer.Ended.Length > rounds, TimeSpan.FromSeconds(20));
        transport.Abort(Groups.Job, Generation.First, "enough");
        foreach (var thread in threads)
            Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
        Assert.All(told, t => Assert.Equal(1, t.Count));
    }

    private static float[] Combined(Bucket[] buckets)
    {
        TreeSum.Combine(16, [.. buckets.Select(b => b.Bring(new Told()))]);
        return buckets[0].Total.ToArray();
    }

    private RoundGroup Open(RoundGroup group)
    {
        Assert.Null(transport.Open(group, observer));
        return group;
    }

    private static Bucket[] Rows(RoundGroup group, float value) => group.Bring(group.Shards, 1, _ => [value]);

    private static (int Count, string? Failure) Outcome(Told told) => (told.Count, told.Failure);

    private Told Begin(int rank, int bucket, Bucket rows, long step = 1, long generation = 1)
    {
        var told = new Told();
        transport.Begin(Groups.Round(step, generation), rank, bucket, rows.Bring(told));
        return told;
    }

    private sealed class Observer : IRoundObserver
    {
        private readonly List<RoundOutcome> ended = [];

        public List<RoundId> Started { get; } = [];

        public RoundOutcome[] Ended
        {
            get
            {
                lock (ended)
                    return [.. ended];
            }
        }

        void IRoundObserver.Started(RoundId round)
        {
            lock (ended)
                Started.Add(round);
        }

        void IRoundObserver.Ended(RoundOutcome outcome)
        {
            lock (ended)
                ended.Add(outcome);
        }
    }
}
