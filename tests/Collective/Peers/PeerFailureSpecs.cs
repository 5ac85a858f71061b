namespace Singa.Actors.Collective.Tests.Peers;

public sealed class PeerFailureSpecs
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_process_that_is_killed_is_proved_dead_and_fails_the_round_it_was_needed_for(bool secret)
    {
        using var planes = new Planes(3, secret ? "correct horse battery" : null);
        var group = planes.Even();
        planes.Open(group);
        Step(planes, group, 0);
        var rows = group.Bring(3, 4, _ => [1, 2, 3, 4]);
        Told[] waiting = [planes.Begin(group, 1, 0, 0, rows[0]), planes.Begin(group, 1, 1, 0, rows[1])];
        planes[2].Kill();
        planes.Until(() => waiting.All(t => t.IsOver), "the end of the round");
        Assert.All(waiting, t => Assert.Contains($"rank 2 (cpu:2 at {planes[2].Local}) is lost to generation 1", t.Failure));
        planes.Until(() => planes.Losses[..2].All(l => l.Told.Length > 0), "the news of the loss");
        Assert.All(planes.Losses[..2], l => Assert.Equal((planes[2].Local, true), (Assert.Single(l.Told).Peer, l.Told[0].Proved)));
        Assert.Contains("its port is refused", planes.Losses[0].Told[0].Reason);
        // What they brought is as it was: a later attempt may use it.
        Assert.All(rows[..2], r => Assert.Equal([1f, 2, 3, 4], r.Total.ToArray()));
        Assert.Contains("is lost to generation 1", planes.Begin(group, 2, 0, 0, rows[0]).Failure);
    }

    [Fact]
    public void Whoever_ends_in_order_says_goodbye()
    {
        using var planes = new Planes(2);
        planes[0].KeepConnected("a job", [planes[1].Local]);
        Alive(planes, 0, 1);
        planes.Until(() => planes[0].IsConnected(planes[1].Local), "the connection");
        planes[1].Dispose();
        planes.Until(() => planes.Losses[0].Told.Length > 0, "the news of the loss");
        var (peer, proved, reason) = planes.Losses[0].Told[0];
        Assert.Equal((planes[1].Local, true), (peer, proved));
        Assert.Contains("it said goodbye", reason);
    }

    [Fact]
    public async Task A_process_started_again_on_the_same_port_is_another()
    {
        using var planes = new Planes(2);
        var old = planes[1].Local;
        Alive(planes, 0, 1);
        planes[1].Kill();
        using var again = DataPlane.Start(planes.Settings with { Port = old.Port }, null);
        Assert.Equal(old.Port, again.Local.Port);
        var probe = await planes[0].ProbeAsync(old, Planes.Patience);
        Assert.Equal(PeerState.Dead, probe.State);
        Assert.Contains("another incarnation answers", probe.Reason);
        Assert.Equal(PeerState.Alive, (await planes[0].ProbeAsync(again.Local, Planes.Patience)).State);
        Assert.True(Assert.Single(planes.Losses[0].Told).Proved);
        Assert.Equal(1, again.Refused["stale incarnation"]);
    }

    [Fact]
    public async Task Silence_proves_nothing()
    {
        // The kernel takes connections for whoever listens, though nobody ever answers.
        using var silent = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        silent.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        silent.Listen(16);
        using var planes = new Planes(1, change: s => s with { ProbeTimeout = TimeSpan.FromMilliseconds(50), RedialInterval = TimeSpan.FromMilliseconds(10) });
        var peer = new PeerId("127.0.0.1", ((System.Net.IPEndPoint)silent.LocalEndPoint!).Port, 1);
        var probe = await planes[0].ProbeAsync(peer);
        Assert.Equal(PeerState.Silent, probe.State);
        Assert.Contains("gave no sign of life", probe.Reason);
        planes[0].KeepConnected("a job", [peer]);
        planes.Until(() => planes.Losses[0].Told.Length == 1, "the news of the loss");
        Assert.False(planes.Losses[0].Told[0].Proved);
        // Its kernel closes the port: now it is dead.
        silent.Dispose();
        planes.Until(() => planes.Losses[0].Told.Length == 2, "the proof");
        Assert.True(planes.Losses[0].Told[1].Proved);
    }

    [Fact]
    public async Task Nobody_waits_for_the_answer_of_a_plane_that_has_ended()
    {
        using var silent = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        silent.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        silent.Listen(16);
        using var planes = new Planes(1);
        var peer = new PeerId("127.0.0.1", ((System.Net.IPEndPoint)silent.LocalEndPoint!).Port, 1);
        var waiting = planes[0].ProbeAsync(peer, TimeSpan.FromDays(1));
        planes[0].Dispose();
        Assert.Equal("this process ends", (await waiting).Reason);
        Assert.Equal("this process ends", (await planes[0].ProbeAsync(peer)).Reason);
    }

    [Fact]
    public void An_abort_here_is_one_everywhere()
    {
        using var planes = new Planes(3);
        var group = planes.Even();
        planes.Open(group);
        Step(planes, group, 0);
        var waiting = planes.Begin(group, 1, 0, 0, group.Bring(3, 1, _ => [1])[0]);
        planes[1].Transport.Abort(Groups.Job, Generation.First, "rank 1 left generation 1: its device burns");
        planes.Until(() => waiting.IsOver, "the end of the round");
        Assert.Equal("rank 1 left generation 1: its device burns", waiting.Failure);
        planes.Until(() => planes.Begin(group, 2, 2, 0, group.Bring(3, 1, _ => [1])[2]).Failure is not null, "the end of the generation on the third");
        planes.Open(planes.Even(generation: 2));
        Step(planes, planes.Even(generation: 2), 1);
    }

    [Fact]
    public void A_round_that_lacks_nothing_of_who_is_lost_is_completed()
    {
        using var planes = new Planes(2);
        var group = planes.Even(buckets: 2);
        planes.Open(group);
        var (first, second) = (group.Bring(2, 1, _ => [1]), group.Bring(2, 1, _ => [10]));
        // Two members send each other everything: when both buckets of rank 1 are here, rank 0 needs nobody.
        Told[] told = [planes.Begin(group, 0, 0, 0, first[0]), planes.Begin(group, 0, 1, 0, first[1]), planes.Begin(group, 0, 1, 1, second[1])];
        planes.Until(() => planes[0].TableOf(Groups.Job)!.Missing(0) is [0], "the arrival of rank 1");
        planes[1].Kill();
        planes.Until(() => planes.Losses[0].Told.Any(l => l.Proved), "the proof");
        var last = planes.Begin(group, 0, 0, 1, second[0]);
        Assert.Equal((1, null), (last.Count, last.Failure));
        Assert.Equal((2f, 20f), (first[0].Total[0], second[0].Total[0]));
        Assert.Contains("is lost to generation 1", planes.Begin(group, 1, 0, 0, first[0]).Failure);
    }

    [Fact]
    public void Who_is_late_is_named_by_everybody()
    {
        var time = new ManualTime();
        using var planes = new Planes(3, time: time);
        var group = planes.Even();
        planes.Open(group);
        Step(planes, group, 0);
        var rows = group.Bring(3, 1, _ => [1]);
        Told[] waiting = [planes.Begin(group, 1, 0, 0, rows[0]), planes.Begin(group, 1, 2, 0, rows[2])];
        var deadline = StepDeadline.Of(TimeSpan.FromSeconds(2));
        // Everybody has learned of the arrivals of the others before the deadline comes.
        time.Advance(TimeSpan.FromSeconds(0.5));
        planes.Until(
            () =>
            {
                // Again and again, as their actor does: what was beginning when one looked is told the next time.
                for (int i = 0; i < 3; i++)
                    planes[i].Transport.Watch(Groups.Job, deadline);
                return planes.All.All(p => p.TableOf(Groups.Job)!.Missing(1) is [1]);
            },
            "the news of who is here");
        time.Advance(TimeSpan.FromSeconds(1.8));
        planes.Until(
            () =>
            {
                planes[0].Transport.Watch(Groups.Job, deadline);
                return waiting.All(t => t.IsOver);
            },
            "the end of the round");
        Assert.All(waiting, t => Assert.Equal($"rank 1 (cpu:1 at {planes[1].Local}) has not arrived in round 1 of generation 1 for 2.3 s", t.Failure));
    }

    private static void Step(Planes planes, RoundGroup group, long step)
    {
        var rows = group.Bring(group.Shards, 4, r => [1, 2, 3, r.First]);
        var told = group.Members.Select(m => planes.Begin(group, step, m.Rank, 0, rows[m.Rank])).ToArray();
        planes.Until(() => told.All(t => t.IsOver), $"the end of step {step}");
        Assert.All(told, t => Assert.Null(t.Failure));
    }

    private static void Alive(Planes planes, int from, int to) =>
        Assert.Equal(PeerState.Alive, planes[from].ProbeAsync(planes[to].Local, Planes.Patience).GetAwaiter().GetResult().State);
}
