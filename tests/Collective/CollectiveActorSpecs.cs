using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using static Singa.Actors.Collective.CollectiveProtocol;

namespace Singa.Actors.Collective.Tests;

public sealed class CollectiveActorSpecs : TestKit
{
    private readonly ManualTime time = new();
    private readonly InProcessTransport transport;
    private readonly IActorRef collective;

    public CollectiveActorSpecs()
        : base("""akka { loglevel = ERROR, scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit" }""")
    {
        transport = new InProcessTransport(time);
        collective = Sys.ActorOf(CollectiveActor.Props(transport, CollectiveSettings.From(null)));
    }

    [Fact]
    public void The_next_round_is_opened_while_one_runs()
    {
        Begin(Groups.Even(2), firstStep: 5);
        Assert.Equal((5L, (long?)null), (Status().Opened, Status().Completed));
        Bring(0, 5);
        AwaitAssert(() => Assert.Equal(6, Status().Opened));
        Bring(1, 5);
        ExpectMsg(new RoundCompleted(Groups.Round(5)));
        Assert.Equal(5, Status().Completed);
    }

    [Fact]
    public void A_deadline_that_passes_names_who_was_waited_for()
    {
        Begin(Groups.Even(3));
        var waiting = Bring(1, 0);
        time.Advance(TimeSpan.FromSeconds(61));
        ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromSeconds(1));
        var failed = ExpectMsg<RoundFailed>();
        Assert.Equal("rank 0 (cpu:0), rank 2 (cpu:2) have not arrived in round 0 of generation 1 for 61.0 s", failed.Reason);
        Assert.Equal([0, 2], failed.Missing.ToArray());
        Assert.Equal(failed.Reason, waiting.Failure);
    }

    [Fact]
    public void An_abort_fails_the_open_round()
    {
        Begin(Groups.Even(2));
        var waiting = Bring(0, 0);
        collective.Tell(new AbortRounds(Groups.Job, Generation.First, "the job was cancelled"));
        Assert.Equal("the job was cancelled", ExpectMsg<RoundFailed>().Reason);
        Assert.Equal("the job was cancelled", waiting.Failure);
    }

    [Fact]
    public void Only_a_newer_generation_may_begin()
    {
        Begin(Groups.Even(2, generation: 2));
        collective.Tell(new BeginGeneration(Groups.Even(2), 0, TestActor));
        Assert.Contains("not newer", ExpectMsg<GenerationRejected>().Reason);
        Begin(Groups.Even(1, generation: 3));
        Assert.Equal(new Generation(3), Status().Generation);
    }

    [Fact]
    public void A_job_that_ends_is_forgotten()
    {
        Begin(Groups.Even(2));
        var waiting = Bring(0, 0);
        collective.Tell(new EndGeneration(Groups.Job, "all is done"));
        ExpectMsg(new GenerationEnded(Groups.Job));
        Assert.Equal("all is done", waiting.Failure);
        Assert.Null(Status().Generation);
    }

    [Fact]
    public void Stopping_fails_whoever_waits()
    {
        Begin(Groups.Even(2));
        var waiting = Bring(0, 0);
        Watch(collective);
        Sys.Stop(collective);
        ExpectTerminated(collective);
        Assert.Equal("the collective was stopped", waiting.Failure);
    }

    private void Begin(RoundGroup group, long firstStep = 0)
    {
        collective.Tell(new BeginGeneration(group, firstStep, TestActor));
        ExpectMsg(new GenerationBegun(group.Job, group.Generation));
    }

    private Told Bring(int rank, long step)
    {
        var told = new Told();
        var group = Groups.Even(3);
        transport.Begin(Groups.Round(step), rank, 0, group.Bring(3, 1, _ => [1])[rank].Bring(told));
        return told;
    }

    private RoundsStatus Status()
    {
        collective.Tell(new GetRounds(Groups.Job));
        return ExpectMsg<RoundsStatus>();
    }
}
