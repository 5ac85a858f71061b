using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using static Singa.Actors.Devices.DeviceProtocol;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

/// <summary>What a meter's listener reads of a device.</summary>
public sealed class TelemetrySpecs() : TestKit("akka.loglevel = WARNING")
{
    private const string Device = "test of telemetry:0";
    private const long PlannedBytes = 4 * BlockBytes + 128;

    private static readonly JobId Job = new("digits");

    [Fact]
    public void Queue_and_memory_follow_what_is_loaded_and_admitted()
    {
        var exchange = new FakeExchange();
        var device = Sys.ActorOf(DeviceActor.Props(Device, () => new ScriptedBackend(scratch: 128), DevicesSettings.From(null)));
        device.Tell(new LoadPlan(Job, Of(4, Section("s", Exchange(0, 0), Work("update", [0], [1]))), exchange));
        ExpectMsg<PlanLoaded>();
        Assert.Equal((0, PlannedBytes, PlannedBytes), Read());
        device.Tell(new RunSections(Job, 1, [new SectionRun(0, [])]));
        var travelling = exchange.Next();
        Assert.Equal((2, PlannedBytes, PlannedBytes), Read());
        travelling.Done.Complete();
        ExpectMsg<SectionsCompleted>();
        device.Tell(new UnloadPlan(Job));
        ExpectMsg<PlanUnloaded>();
        Assert.Equal((0, 0, 0), Read());
        Watch(device);
        Sys.Stop(device);
        ExpectTerminated(device);
        Assert.Null(Read());
    }

    /// <summary>Null where the device is not measured.</summary>
    private static (long Depth, long Arena, long Allocated)? Read()
    {
        var read = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == Telemetry.Name)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (var (key, tag) in tags)
            {
                if ((key, tag) is (Telemetry.DeviceTag, Device))
                    read[instrument.Name] = value;
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return read.Count == 0 ? null : (read["singa.queue.depth"], read["singa.arena.size"], read["singa.memory.allocated"]);
    }
}
