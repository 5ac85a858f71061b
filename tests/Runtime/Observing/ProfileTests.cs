using System.Collections.Immutable;
using System.Text.Json;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Runtime.Observing.Profiling;

namespace Singa.Actors.Runtime.Tests.Observing;

/// <summary>Profiles of executions that were made up, a tick being a microsecond.</summary>
public sealed class ProfileTests
{
    private const long Frequency = 1_000_000;

    private static readonly Operand Values = Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(1000)));
    private static readonly Kernel Map = new MapKernel(
        ScalarBody.Compile([DType.Float32], Scalar.Argument(0, DType.Float32) + Scalar.Argument(0, DType.Float32)), [Values], [Values]);

    private static readonly Plan Plan = new(
        [new Block(0, "b", BlockKind.Variable, 4000, 0)], 4000, 4000, ImmutableDictionary<int, ImmutableArray<byte>>.Empty,
        [
            new Section("gradients/0", [Of("Upload", new UploadKernel(0, Values)), Of("a Relu", Map), Of("a' Relu'", Map)], [4000]),
            new Section("exchange/0", [Of("Exchange bucket 0", new ExchangeKernel(0, Values))], []),
        ]);

    [Fact]
    public void The_summary_is_the_mean_of_the_steps_after_the_first_and_leaves_nothing_out()
    {
        var profile = new TrainingProfile();
        foreach (string device in (string[])["cpu:0", "cpu:1"])
        {
            Run(profile.Of(device), tag: 70, from: 10, scale: 50);
            Run(profile.Of(device), tag: 71, from: 10_000, scale: 1);
            Run(profile.Of(device), tag: 72, from: 10_100, scale: 1);
        }

        var summary = ProfileSummary.Of(profile, Frequency);
        Assert.Equal((2, 2, true), (summary.Steps, summary.Devices, summary.WithoutFirst));
        Assert.Equal(0.0975, summary.StepMilliseconds, 9);
        Assert.Equal(
            [("forward", 0.020), ("backward", 0.040), ("exchange", 0.005), ("copy", 0.005), ("wait for exchange", 0.025), ("wait for work", 0.0), ("hand-off", 0.0025)],
            summary.Phases.Select(p => (p.Name, Math.Round(p.Milliseconds, 9))));
        Assert.Equal(1, summary.Phases.Sum(p => p.Share), 9);
        Assert.Equal("a' Relu'", summary.Operations[0].Name);
        Assert.Equal((1.0, 1000.0, 8000.0), (summary.Operations[0].Calls, summary.Operations[0].Flops, summary.Operations[0].Bytes));
        Assert.Equal(1000 / 40e-6, summary.Operations[0].FlopsPerSecond, 3);
    }

    [Fact]
    public void One_step_alone_is_better_than_none()
    {
        var profile = new TrainingProfile();
        Run(profile.Of("cpu:0"), tag: 0, from: 10, scale: 1);
        var summary = ProfileSummary.Of(profile, Frequency);
        Assert.Equal((1, false), (summary.Steps, summary.WithoutFirst));
        Assert.Equal(0, ProfileSummary.Of(new TrainingProfile(), Frequency).Steps);
    }

    [Fact]
    public void A_trace_has_a_track_a_device_with_what_was_done_and_flights_beside_it()
    {
        var profile = new TrainingProfile();
        Run(profile.Of("cpu:1"), tag: 3, from: 20, scale: 1);
        Run(profile.Of("cpu:0"), tag: 3, from: 10, scale: 1);
        var events = Trace(profile).GetProperty("traceEvents").EnumerateArray().ToArray();
        Assert.Equal(["cpu:0", "cpu:1"], events.Where(e => Text(e, "name") == "thread_name").Select(e => e.GetProperty("args").GetProperty("name").GetString()));
        var second = events.Where(e => Text(e, "ph") == "X" && e.GetProperty("tid").GetInt32() == 2).ToArray();
        Assert.Equal(["copy", "kernel", "kernel", "exchange", "wait"], second.Select(e => Text(e, "cat")));
        Assert.Equal([10, 15, 35, 75, 80], second.Select(e => e.GetProperty("ts").GetDouble()));
        Assert.Equal([5, 20, 40, 5, 25], second.Select(e => e.GetProperty("dur").GetDouble()));
        var args = second[2].GetProperty("args");
        Assert.Equal(("a", "Relu'", "backward"), (Text(args, "layer"), Text(args, "op"), Text(args, "phase")));
        Assert.Equal((3, 1000, 8000), (args.GetProperty("step").GetInt32(), args.GetProperty("flops").GetInt32(), args.GetProperty("bytes").GetInt32()));
        var flights = events.Where(e => Text(e, "cat") == "flight").GroupBy(e => Text(e, "id")).ToArray();
        Assert.Equal(2, flights.Length);
        Assert.All(flights, flight => Assert.Equal(["b", "e"], flight.Select(e => Text(e, "ph"))));
    }

    [Fact]
    public void A_long_run_keeps_its_end_and_counts_all_of_it()
    {
        var profile = new TrainingProfile(kept: 3000);
        for (int step = 0; step <= 2000; step++)
            Run(profile.Of("cpu:0"), step, from: 1 + 100 * step, scale: 1);
        var root = Trace(profile);
        var kept = root.GetProperty("traceEvents").EnumerateArray().Where(e => Text(e, "cat") == "kernel").ToArray();
        Assert.Equal(1000, kept.Length);
        Assert.Equal((1501, 2000), (Step(kept[0]), Step(kept[^1])));
        Assert.Equal(6 * 2001 - 3000, root.GetProperty("otherData").GetProperty("executions of cpu:0 before those kept").GetInt64());
        Assert.Equal(2000, ProfileSummary.Of(profile, Frequency).Steps);

        static int Step(JsonElement e) => e.GetProperty("args").GetProperty("step").GetInt32();
    }

    /// <summary>5 copying, 20 forward, 40 backward, 5 to begin the exchange, 25 waiting for it.</summary>
    private static void Run(IExecutionObserver observer, long tag, long from, long scale)
    {
        long at = from;
        Saw(ExecutionKind.Operation, 0, 0, 5);
        Saw(ExecutionKind.Operation, 0, 1, 20);
        Saw(ExecutionKind.Operation, 0, 2, 40);
        Saw(ExecutionKind.Exchange, 1, 0, 5);
        observer.Saw(new Execution(ExecutionKind.PeerWait, null, 0, 0, 0, at, at + 25 * scale));
        observer.Saw(new Execution(ExecutionKind.Flight, Plan, 1, 0, tag, at - 5 * scale, at + 25 * scale));

        void Saw(ExecutionKind kind, int section, int operation, long ticks)
        {
            observer.Saw(new Execution(kind, Plan, section, operation, tag, at, at + ticks * scale));
            at += ticks * scale;
        }
    }

    private static JsonElement Trace(TrainingProfile profile)
    {
        using var stream = new MemoryStream();
        ChromeTrace.Write(profile, "job", stream, Frequency);
        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private static Operation Of(string name, Kernel kernel) => new(name, kernel, [], []);

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
}
