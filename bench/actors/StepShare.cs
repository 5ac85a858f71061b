using System.Diagnostics;
using System.Runtime.InteropServices;
using Akka.Actor;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using static Singa.Actors.Devices.DeviceProtocol;

namespace Singa.Actors.Bench.Actors;

/// <summary>What of a LeNet step is not kernels when all threads of the machine compute: queue, executor, actors, waiting for one another.</summary>
internal static class StepShare
{
    private const int Batch = 64, WarmUp = 100, Steps = 1500;

    /// <summary>Median and 99th percentile of 1 − busy / interval between two completed steps; the interval's median in µs.</summary>
    public static async Task<(double Median, double P99, double Microseconds)> Measure(ActorSystem system, DevicesSettings settings)
    {
        var device = system.ActorOf(DeviceActor.Props(new DeviceDescription("cpu", 0, Environment.ProcessorCount), settings), "processor");
        var job = new TrainingDefinition(ModelCatalog.LeNet(10), new SoftmaxCrossEntropy(), new Sgd { Momentum = 0.9 },
            new TensorType(DType.Float32, Shape.Of(1, 28, 28)), new TensorType(DType.Int32, Shape.Scalar), 10, 8, 1, 1000);
        var shards = new ShardRange(0, 8);
        var plan = TrainingCompiler.Compile(job, shards, [BatchLayout.Of(Batch, 8, shards)], [], []).Plan;
        var id = new JobId("lenet");
        var loaded = await device.Ask<PlanLoaded>(new LoadPlan(id, plan, LocalExchange.Instance));
        var sections = new[] { "gradients/0", "exchange/0", "update" }
            .Select(name => new SectionRun(loaded.Plan.SectionIndex(name), [.. plan[name].HostSlots.Select(bytes => (Memory<byte>)new byte[bytes])])).ToArray();
        MemoryMarshal.Cast<byte, float>(sections[2].HostBuffers[0].Span)[0] = 1f / Batch;
        device.Tell(new RunSections(id, 0, [new SectionRun(loaded.Plan.SectionIndex("initialise"), [])]));
        var loop = system.ActorOf(Props.Create(() => new TimedStepsActor(device, id, sections, WarmUp + Steps)));
        var steps = await loop.Ask<TimedStepsActor.Step[]>("go");
        await device.Ask<PlanUnloaded>(new UnloadPlan(id));
        var shares = steps.Skip(WarmUp).Select(s => Math.Max(0, 1 - s.Busy / s.Interval)).Order().ToArray();
        return (shares[shares.Length / 2], shares[shares.Length * 99 / 100], steps.Select(s => s.Interval.TotalMicroseconds).Order().ElementAt(steps.Length / 2));
    }
}

/// <summary>A worker that keeps two steps ahead and notes when each is done.</summary>
internal sealed class TimedStepsActor : ReceiveActor
{
    public sealed record Step(TimeSpan Interval, TimeSpan Busy);

    public TimedStepsActor(IActorRef device, JobId job, SectionRun[] sections, int steps)
    {
        var done = new List<Step>(steps);
        IActorRef asker = ActorRefs.Nobody;
        long last = 0, next = 1;
        Receive<string>(_ =>
        {
            asker = Sender;
            for (; next <= 3; next++)
                device.Tell(new RunSections(job, next, [.. sections]));
        });
        Receive<SectionsCompleted>(completed =>
        {
            if (last != 0)
                done.Add(new Step(Stopwatch.GetElapsedTime(last, completed.CompletedAt), completed.Busy));
            last = completed.CompletedAt;
            if (next <= steps + 1)
                device.Tell(new RunSections(job, next++, [.. sections]));
            if (done.Count == steps)
                asker.Tell(done.ToArray());
        });
        Receive<SectionsFailed>(failed => asker.Tell(new Status.Failure(new InvalidOperationException(failed.Reason))));
    }
}
