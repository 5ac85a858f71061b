using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Singa.Actors.Devices.Queue;
using static Singa.Actors.Devices.DeviceProtocol;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

/// <summary>Pausing and watching a device's queue, with the clock in the test's hands.</summary>
public sealed class DeviceQueueSpecs : TestKit
{
    private static readonly JobId Job = new("digits");
    private static readonly TimeSpan Interval = DevicesSettings.From(null).WatchInterval;

    private readonly FakeExchange exchange = new();
    private readonly IActorRef device;

    public DeviceQueueSpecs()
        : base("akka.loglevel = WARNING, akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        device = Sys.ActorOf(DeviceActor.Props("test:0", () => new ScriptedBackend(), DevicesSettings.From(null)));
        device.Tell(new LoadPlan(Job, Of(4, Section("s", Exchange(0, 0), Work("x", [0], [1]))), exchange));
        ExpectMsg<PlanLoaded>(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_pause_is_answered_once_the_device_is_idle_and_holds_until_it_is_resumed()
    {
        Run(1);
        var travelling = exchange.Next();
        device.Tell(PauseQueue.Instance);
        Assert.Equal((1, 1, true), Watched() is var now ? (now.Queued, now.Running, now.IsPaused) : default);
        travelling.Done.Complete();
        ExpectMsg<QueuePaused>();
        Run(2);
        device.Tell(GetStatus.Instance);
        Assert.Equal((3, 0), ExpectMsg<DeviceStatus>() is var status ? (status.Queued, status.Running) : default);

        device.Tell(ResumeQueue.Instance);
        // The executor reports by itself and may be sooner than the actor.
        var both = ReceiveN(2);
        Assert.Single(both.OfType<QueueResumed>());
        Assert.Equal(1, both.OfType<SectionsCompleted>().Single().Tag);
        exchange.Next().Done.Complete();
        Assert.Equal(2, ExpectMsg<SectionsCompleted>().Tag);
    }

    [Fact]
    public void A_pause_that_is_taken_back_is_answered_as_well()
    {
        Run(1);
        exchange.Next();
        device.Tell(PauseQueue.Instance);
        device.Tell(ResumeQueue.Instance);
        ExpectMsg<QueueResumed>();
        ExpectMsg<QueueResumed>();
    }

    [Fact]
    public void Who_watches_hears_of_changes_at_a_bounded_rate()
    {
        Assert.Equal(new QueueStatus(false, 0, 0, [new JobDepth(Job, 0, 0)]), Watched());
        Pass();
        ExpectNoMsg(TimeSpan.Zero);

        Run(1);
        var travelling = exchange.Next();
        ExpectNoMsg(TimeSpan.Zero);
        Pass();
        Assert.Equal(new QueueChanged("test:0", new QueueStatus(false, 1, 1, [new JobDepth(Job, 1, 2)])), ExpectMsg<QueueChanged>());
        Pass();
        ExpectNoMsg(TimeSpan.Zero);

        travelling.Done.Complete();
        ExpectMsg<SectionsCompleted>();
        device.Tell(UnwatchQueue.Instance);
        Pass();
        ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void A_second_watcher_takes_nothing_from_the_first()
    {
        Watched();
        Run(1);
        var travelling = exchange.Next();
        var other = CreateTestProbe();
        device.Tell(WatchQueue.Instance, other);
        Assert.Equal(1, other.ExpectMsg<QueueChanged>().Queue.Running);
        Pass();
        Assert.Equal(1, ExpectMsg<QueueChanged>().Queue.Running);
        other.ExpectMsg<QueueChanged>();

        Sys.Stop(other);
        travelling.Done.Complete();
        ExpectMsg<SectionsCompleted>();
        Pass();
        Assert.Equal(0, ExpectMsg<QueueChanged>().Queue.Running);
    }

    private QueueStatus Watched()
    {
        device.Tell(WatchQueue.Instance);
        return ExpectMsg<QueueChanged>().Queue;
    }

    /// <summary>Lets the interval pass and the device see it.</summary>
    private void Pass()
    {
        ((TestScheduler)Sys.Scheduler).Advance(Interval);
        var probe = CreateTestProbe();
        device.Tell(GetStatus.Instance, probe);
        probe.ExpectMsg<DeviceStatus>();
    }

    private void Run(long tag) => device.Tell(new RunSections(Job, tag, [new SectionRun(0, [])]));
}
