using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>What a host's OpenTelemetry would hear. Other tests train in the same process, so everything is asked for by name.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task A_job_is_a_span_with_its_steps_in_it_under_the_span_of_whoever_submitted()
    {
        const string Name = "a job that is listened to";
        var ended = new ConcurrentQueue<Activity>();
        using var listener = Listen(Name, ended);
        using var outer = new Activity("request").SetIdFormat(ActivityIdFormat.W3C).Start();
        await using var host = await TestHost.StartAsync("cpu=2");
        var (_, progress) = await host.TrainAsync(TinyJob.Create() with { Name = Name });
        Assert.Same(outer, Activity.Current);

        var train = Assert.Single(ended, a => a.OperationName == "train");
        Assert.Equal((outer.SpanId, ActivityStatusCode.Ok), (train.ParentSpanId, train.Status));
        var steps = ended.Where(a => a.OperationName == "step").ToArray();
        Assert.Equal(progress.Select(p => (object)p.Step), steps.Select(s => s.GetTagItem("step")));
        Assert.Equal(progress.Select(p => (object)p.Loss), steps.Select(s => s.GetTagItem("loss")));
        Assert.All(steps.Zip(progress), s => Assert.Equal((train.SpanId, s.Second.StepTime), (s.First.ParentSpanId, s.First.Duration)));
    }

    [Fact]
    public async Task A_refused_job_says_why()
    {
        const string Name = "a job that is refused";
        var ended = new ConcurrentQueue<Activity>();
        using var listener = Listen(Name, ended);
        await using var host = await TestHost.StartAsync("cpu:0");
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(TinyJob.Create() with { Name = Name, Frozen = ["nothing"] }));
        var train = Assert.Single(ended);
        Assert.Equal((ActivityStatusCode.Error, refusal.Message), (train.Status, train.StatusDescription));
    }

    [Fact]
    public async Task Steps_are_measured()
    {
        const string Name = "a job that is measured";
        var heard = new ConcurrentDictionary<string, ConcurrentQueue<double>>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == Telemetry.Name)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.Start();

        await using var host = await TestHost.StartAsync("cpu:0");
        var job = TinyJob.Create() with { Name = Name };
        var (result, progress) = await host.TrainAsync(job);

        Assert.Equal(progress.Select(p => p.StepTime.TotalSeconds), heard["singa.step.duration"]);
        Assert.Equal(progress.Select(p => p.SamplesPerSecond), heard["singa.throughput"]);
        Assert.Equal(progress.Select(p => p.Loss), heard["singa.loss"]);
        Assert.Equal(progress.Count, heard["singa.steps"].Sum());
        Assert.Equal(job.Epochs * TinyJob.Train, heard["singa.samples"].Sum());
        Assert.Equal(result.TestAccuracy, Assert.Single(heard["singa.test.accuracy"]));

        void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var (key, tag) in tags)
            {
                if ((key, tag) is ("job", Name))
                    heard.GetOrAdd(instrument.Name, _ => new()).Enqueue(value);
            }
        }
    }

    private static ActivityListener Listen(string job, ConcurrentQueue<Activity> ended)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.GetTagItem("job") as string == job)
                    ended.Enqueue(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
