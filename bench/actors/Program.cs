using System.Diagnostics;
using Akka.Actor;
using Singa.Actors.Bench.Actors;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Queue;
using static Singa.Actors.Devices.DeviceProtocol;

// What actors and the queue cost, measured on a device that computes nothing. One line each: µs and bytes.
const int Steps = 20_000, Operations = 1000, PlanSteps = 200;

using var system = ActorSystem.Create("bench", "akka.loglevel = WARNING");
var settings = DevicesSettings.From(null);
var device = system.ActorOf(DeviceActor.Props(new DeviceDescription("null", 0, 1), settings), "device");

var empty = await Loop(new JobId("empty"), 0, 1, Steps);
Print("empty plan, round trip", empty);
var one = await Loop(new JobId("one"), 1, 1, Steps);
Print("plan of one operation, round trip", one);
Print("plan of one operation, two steps ahead", await Loop(new JobId("ahead"), 1, 2, Steps));
var many = await Loop(new JobId("many"), Operations, 1, PlanSteps);
Print("operation inside a plan, all in", new Cost((many.Microseconds - one.Microseconds) / Operations, (many.Bytes - one.Bytes) / Operations));
Print("operation in the queue alone", Queue());
var share = await StepShare.Measure(system, settings);
Console.WriteLine(FormattableString.Invariant($"LeNet step of {share.Microseconds:0} us, all threads busy: {share.Median:0.00%} not kernels at the median, {share.P99:0.00%} at p99"));

async Task<Cost> Loop(JobId job, int operations, int ahead, int steps)
{
    await device.Ask<PlanLoaded>(new LoadPlan(job, Plans.Chain(operations), LocalExchange.Instance));
    var loop = system.ActorOf(Props.Create(() => new StepLoopActor(device, job, ahead)));
    await loop.Ask<bool>(steps);
    await loop.Ask<bool>(steps);
    var best = new Cost(double.MaxValue, 0);
    for (int i = 0; i < 5; i++)
    {
        long bytes = GC.GetTotalAllocatedBytes(true), start = Stopwatch.GetTimestamp();
        await loop.Ask<bool>(steps);
        double microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds / steps;
        if (microseconds < best.Microseconds)
            best = new Cost(microseconds, (GC.GetTotalAllocatedBytes(true) - bytes) / (double)steps);
    }

    await device.Ask<PlanUnloaded>(new UnloadPlan(job));
    return best;
}

Cost Queue()
{
    var queue = new OpQueue();
    var lane = OpQueue.Open(new JobId("queue"), PlanHazards.Of(Plans.Chain(Operations)));
    var best = new Cost(double.MaxValue, 0);
    for (int i = 0; i < 50; i++)
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        queue.Admit(lane, i, [new SectionRun(0, [])], 0, Deaf.Instance);
        for (var next = queue.Take(); next is not null;)
            next = queue.CompleteAndTake(next, 0);
        double microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds / Operations;
        if (microseconds < best.Microseconds)
            best = new Cost(microseconds, (GC.GetAllocatedBytesForCurrentThread() - bytes) / (double)Operations);
    }

    return best;
}

static void Print(string what, Cost cost) =>
    Console.WriteLine(FormattableString.Invariant($"{what,-42}{cost.Microseconds,9:0.000} us{cost.Bytes,9:0.0} bytes"));

internal readonly record struct Cost(double Microseconds, double Bytes);

internal sealed class Deaf : ISubmissionListener
{
    public static readonly Deaf Instance = new();

    public void Completed(long tag, TimeSpan busy)
    {
    }

    public void Failed(long tag, string reason, bool byPeers)
    {
    }
}
