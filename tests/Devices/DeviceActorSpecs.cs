using Akka.Actor;
using Akka.TestKit.Xunit2;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Devices.DeviceProtocol;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

public sealed class DeviceActorSpecs : TestKit
{
    private static readonly JobId Job = new("digits");

    private readonly FakeExchange exchange = new();
    private readonly ScriptedBackend backend;
    private Action onLaunch = () => { };
    private readonly IActorRef device;

    public DeviceActorSpecs()
        : base("akka.loglevel = WARNING")
    {
        backend = new ScriptedBackend(_ => onLaunch(), scratch: 128);
        device = Sys.ActorOf(DeviceActor.Props("test:0", () => backend, DevicesSettings.From(null)));
    }

    [Fact]
    public void A_plan_is_loaded_run_and_unloaded()
    {
        var loaded = Load(Section("s", Work("x", [], [0])));
        Assert.Equal(4 * BlockBytes + 128, loaded.PlannedBytes);
        Assert.Equal(loaded.PlannedBytes, Status().AllocatedBytes);
        Run(1);
        Assert.Equal(1, ExpectMsg<SectionsCompleted>().Tag);
        device.Tell(new UnloadPlan(Job));
        ExpectMsg(new PlanUnloaded(Job));
        var status = Status();
        Assert.Equal((0, 0L, 4L * BlockBytes + 128), (status.Jobs, status.AllocatedBytes, status.PeakBytes));
    }

    [Fact]
    public void A_second_plan_of_the_same_job_is_rejected()
    {
        Load(Section("s"));
        device.Tell(new LoadPlan(Job, Of(1), exchange));
        Assert.Equal("device test:0 has a plan of job digits already; unload it first", ExpectMsg<PlanRejected>().Reason);
    }

    [Fact]
    public void A_plan_that_does_not_fit_says_so()
    {
        var small = Sys.ActorOf(DeviceActor.Props("test:1", () => new FullBackend(), DevicesSettings.From(null)));
        small.Tell(new LoadPlan(Job, Of(1), exchange));
        Assert.Contains("cannot allocate", ExpectMsg<PlanRejected>().Reason);
        small.Tell(new UnloadPlan(Job));
        ExpectMsg<PlanUnloaded>();
    }

    [Fact]
    public void A_failure_names_the_operation_and_closes_the_job_until_it_cancels()
    {
        Load(Section("s", Work("bad", [], [0])));
        onLaunch = () => throw new ArithmeticException("no");
        Run(1);
        Assert.Equal("operation 'bad' of section 's' failed on test:0: no", ExpectMsg<SectionsFailed>().Reason);
        onLaunch = () => { };
        Run(2);
        Assert.StartsWith("step 1 of job digits failed", ExpectMsg<SectionsFailed>().Reason);
        device.Tell(new CancelWork(Job));
        ExpectMsg(new WorkCancelled(Job));
        Run(3);
        Assert.Equal(3, ExpectMsg<SectionsCompleted>().Tag);
    }

    [Fact]
    public void Cancelling_waits_for_the_exchange_in_flight()
    {
        Load(Section("s", Exchange(0, 0), Work("update", [0], [1])));
        Run(1);
        var travelling = exchange.Next();
        device.Tell(new CancelWork(Job, "the user is tired"));
        Assert.Equal("the user is tired", ExpectMsg<SectionsFailed>().Reason);
        Assert.Equal((0 + 1, 1), (Status().Queued, Status().Running));
        Assert.Equal("the user is tired", Assert.Single(exchange.Aborts));
        travelling.Done.Fail("aborted");
        ExpectMsg(new WorkCancelled(Job));
    }

    [Fact]
    public void Work_without_a_plan_or_with_wrong_buffers_is_refused()
    {
        Run(1);
        Assert.Equal("device test:0 has no plan of job digits", ExpectMsg<SectionsFailed>().Reason);
        Load(new Section("s", [Upload(0, 0)], [BlockBytes]));
        Run(2);
        Assert.Equal("section 's' takes 1 host buffers and was given 0", ExpectMsg<SectionsFailed>().Reason);
        device.Tell(new CancelWork(Job));
        ExpectMsg<WorkCancelled>();
        device.Tell(new RunSections(Job, 3, [new SectionRun(0, [new byte[3]])]));
        Assert.Equal("host buffer 0 of section 's' must be 64 bytes and is 3", ExpectMsg<SectionsFailed>().Reason);
    }

    [Fact]
    public void A_drained_device_is_empty_and_takes_work_again()
    {
        Load(Section("s", Exchange(0, 0)));
        Run(1);
        var travelling = exchange.Next();
        device.Tell(Drain.Instance);
        ExpectNoMsg(TimeSpan.Zero);
        travelling.Done.Complete();
        ExpectMsg<SectionsCompleted>();
        ExpectMsg<Drained>();
        Run(2);
        exchange.Next().Done.Complete();
        ExpectMsg<SectionsCompleted>();
    }

    [Fact]
    public void Blocks_can_be_written_and_read_while_the_job_rests()
    {
        var plan = Load(Section("s"));
        var (source, target) = (Enumerable.Range(1, BlockBytes).Select(i => (byte)i).ToArray(), new byte[BlockBytes]);
        plan.WriteBlock(2, source);
        plan.ReadBlock(2, target);
        Assert.Equal(source, target);
        Assert.Throws<ArgumentException>(() => plan.ReadBlock(2, new byte[3]));
    }

    [Fact]
    public void Stopping_gives_everything_back()
    {
        Load(Section("s", Exchange(0, 0)));
        Run(1);
        var travelling = exchange.Next();
        Watch(device);
        Sys.Stop(device);
        ExpectMsg<SectionsFailed>();
        travelling.Done.Fail("aborted");
        ExpectTerminated(device);
        Assert.Contains("device test:0 was stopped", exchange.Aborts);
        Assert.True(backend.Disposed);
    }

    [Fact]
    public void An_unexpected_message_is_unhandled()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Akka.Event.UnhandledMessage));
        device.Tell("hello");
        Assert.Equal("hello", ExpectMsg<Akka.Event.UnhandledMessage>().Message);
    }

    private LoadedPlan Load(params Section[] sections)
    {
        device.Tell(new LoadPlan(Job, Of(4, sections), exchange));
        return ExpectMsg<PlanLoaded>(TimeSpan.FromSeconds(20)).Plan;
    }

    private void Run(long tag) => device.Tell(new RunSections(Job, tag, [new SectionRun(0, [])]));

    private DeviceStatus Status()
    {
        device.Tell(GetStatus.Instance);
        return ExpectMsg<DeviceStatus>();
    }

    private sealed class FullBackend : IBackend
    {
        private readonly ScriptedBackend inner = new();

        public DeviceProperties Properties => inner.Properties;

        public DeviceMemory Allocate(long bytes) => throw new OutOfDeviceMemoryException("test:1", bytes);

        public void Free(DeviceMemory memory) => inner.Free(memory);

        public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) => inner.Upload(source, target, offset);

        public void Download(DeviceMemory source, long offset, Span<byte> target) => inner.Download(source, offset, target);

        public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
            inner.Copy(source, sourceOffset, target, targetOffset, bytes);

        public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => inner.Compile(kernel, blocks);

        public void Launch(CompiledKernel kernel, DeviceMemory? scratch) => inner.Launch(kernel, scratch);

        public void Synchronize() => inner.Synchronize();

        public void Dispose() => inner.Dispose();
    }
}
