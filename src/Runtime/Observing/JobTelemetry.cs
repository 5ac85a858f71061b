using System.Diagnostics;
using System.Diagnostics.Metrics;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// One job for whoever listens (see <see cref="Telemetry"/>): a span <c>train</c> from submission to its end, under the span of whoever
/// submitted; in it a span <c>step</c> for each step; and what a step took and brought as metrics.
/// </summary>
internal sealed class JobTelemetry
{
    private const string JobTag = "job", StepTag = "step", EpochTag = "epoch", LossTag = "loss", SamplesTag = "samples";

    private static readonly Histogram<double> StepTime = Telemetry.Meter.CreateHistogram<double>("singa.step.duration", "s", "from the end of the step before, pauses left out");
    private static readonly Counter<long> Steps = Telemetry.Meter.CreateCounter<long>("singa.steps", "{step}", "steps that have happened everywhere");
    private static readonly Counter<long> Samples = Telemetry.Meter.CreateCounter<long>("singa.samples", "{sample}", "samples trained on");
    private static readonly Counter<long> Computed = Telemetry.Meter.CreateCounter<long>("singa.shards.computed", "{gradient}", "shard gradients that were computed, attempts that came to nothing included");
    private static readonly Counter<long> Reused = Telemetry.Meter.CreateCounter<long>("singa.shards.reused", "{gradient}", "shard gradients that a later generation found done");
    private static readonly Gauge<double> Throughput = Telemetry.Meter.CreateGauge<double>("singa.throughput", "{sample}/s", "samples a second in the last step");
    private static readonly Gauge<double> Loss = Telemetry.Meter.CreateGauge<double>("singa.loss", null, "mean over the last step's batch");
    private static readonly Gauge<double> TestLoss = Telemetry.Meter.CreateGauge<double>("singa.test.loss", null, "mean over the samples held back");
    private static readonly Gauge<double> TestAccuracy = Telemetry.Meter.CreateGauge<double>("singa.test.accuracy", "1", "share of the samples held back that was right");

    private readonly Activity? activity;
    private readonly KeyValuePair<string, object?> tag;
    private readonly TimeProvider time;

    public JobTelemetry(string job, TimeProvider time)
    {
        this.time = time;
        tag = new(JobTag, job);
        var outer = Activity.Current;
        activity = Telemetry.Source.StartActivity("train");
        activity?.SetTag(JobTag, job);
        // The span outlives this call; it is not what the caller does next.
        Activity.Current = outer;
    }

    public void Commit(TrainingProgress step)
    {
        StepTime.Record(step.StepTime.TotalSeconds, tag);
        Steps.Add(1, tag);
        Samples.Add(step.Samples, tag);
        Computed.Add(step.Shards.Computed, tag);
        Reused.Add(step.Shards.Reused, tag);
        Throughput.Record(step.SamplesPerSecond, tag);
        Loss.Record(step.Loss, tag);
        if (step.Test is { } test)
        {
            TestLoss.Record(test.Loss, tag);
            if (test.Accuracy is { } accuracy)
                TestAccuracy.Record(accuracy, tag);
        }

        if (activity is null)
            return;
        var end = time.GetUtcNow();
        using var span = Telemetry.Source.StartActivity("step", ActivityKind.Internal, activity.Context, startTime: end - step.StepTime);
        span?.SetTag(JobTag, tag.Value).SetTag(StepTag, step.Step).SetTag(EpochTag, step.Epoch).SetTag(SamplesTag, step.Samples).SetTag(LossTag, step.Loss)
            .SetEndTime(end.UtcDateTime);
    }

    /// <param name="failure">Why the job did not end as it was meant to; null where it did.</param>
    public void End(string? failure = null)
    {
        activity?.SetStatus(failure is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error, failure);
        activity?.SetEndTime(time.GetUtcNow().UtcDateTime);
        activity?.Dispose();
    }
}
