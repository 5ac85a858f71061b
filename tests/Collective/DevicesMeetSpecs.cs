using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using static Singa.Actors.Collective.CollectiveProtocol;
using static Singa.Actors.Devices.DeviceProtocol;

namespace Singa.Actors.Collective.Tests;

/// <summary>Two device actors that compute nothing, whose buckets are real, meet in rounds.</summary>
public sealed class DevicesMeetSpecs : TestKit
{
    private const int Elements = 1000;

    private readonly InProcessTransport transport = new();
    private readonly RoundGroup group = Groups.Even(2);
    private readonly IActorRef[] devices;
    private readonly CpuMemory[] buckets;

    public DevicesMeetSpecs()
        : base("akka.loglevel = ERROR")
    {
        devices = [.. group.Members.Select(m => Sys.ActorOf(DeviceActor.Props(new DeviceDescription("null", m.Rank, 1), DevicesSettings.From(null))))];
        buckets = [.. group.Members.Select(_ => new CpuMemory(Elements * sizeof(float)))];
        var collective = Sys.ActorOf(CollectiveActor.Props(transport, CollectiveSettings.From(null)));
        collective.Tell(new BeginGeneration(group, 0), TestActor);
        ExpectMsg<GenerationBegun>();
        var block = new Block(0, "bucket", BlockKind.Bucket, Elements * sizeof(float), 0);
        var exchange = new ExchangeKernel(0, Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(1, Elements))));
        var plan = new Plan([block], block.Bytes, block.Bytes, ImmutableDictionary<int, ImmutableArray<byte>>.Empty,
            [new Section("exchange", [new Operation("exchange 0", exchange, [0], [0])], [])]);
        foreach (var member in group.Members)
        {
            MemoryMarshal.Cast<byte, float>(Bytes(member.Rank)).Fill(1 + member.Rank);
            var worker = new WorkerExchange(transport);
            worker.Join(group, member.Rank, _ => BatchLayout.Of(2, 2, member.Shards));
            devices[member.Rank].Tell(new LoadPlan(Groups.Job, plan, worker, new Dictionary<int, DeviceMemory> { [0] = buckets[member.Rank] }), TestActor);
            ExpectMsg<PlanLoaded>();
        }
    }

    [Fact]
    public void Step_after_step_is_the_same_everywhere()
    {
        const int Steps = 20;
        for (int step = 0; step < Steps; step++)
        {
            Run(0, step);
            Run(1, step);
        }

        var completed = ReceiveN(2 * Steps, TimeSpan.FromSeconds(20));
        Assert.All(completed, m => Assert.IsType<SectionsCompleted>(m));
        // 1 + 2 after the first step; from then on two equal totals are added.
        float expected = 3 * MathF.ScaleB(1, Steps - 1);
        foreach (int rank in new[] { 0, 1 })
            Assert.All(MemoryMarshal.Cast<byte, float>(Bytes(rank)).ToArray(), x => Assert.Equal(expected, x));
    }

    [Fact]
    public void A_device_that_stops_fails_the_step_of_the_other_by_name()
    {
        Run(0, 0);
        AwaitAssert(() =>
        {
            devices[0].Tell(GetStatus.Instance, TestActor);
            Assert.Equal(1, ExpectMsg<DeviceStatus>().Running);
        }, interval: TimeSpan.FromMilliseconds(5));
        Sys.Stop(devices[1]);
        Assert.EndsWith("rank 1 (cpu:1) left generation 1: device null:1 was stopped", ExpectMsg<SectionsFailed>().Reason);
        devices[0].Tell(new CancelWork(Groups.Job), TestActor);
        ExpectMsg<WorkCancelled>();
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        foreach (var bucket in buckets)
            bucket.Free();
    }

    private void Run(int rank, long step) => devices[rank].Tell(new RunSections(Groups.Job, step, [new SectionRun(0, [])]), TestActor);

    private unsafe Span<byte> Bytes(int rank) => new((void*)buckets[rank].HostAddress, Elements * sizeof(float));
}
