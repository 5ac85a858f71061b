using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime;

/// <summary>Answers on the processor, without actors: one plan for a few samples at a time, one for a single sample.</summary>
internal sealed class Predictor(TrainingJob job, DataDescription data, ImmutableArray<NamedTensor> values, Func<DeviceDescription, IBackend> open) : IDisposable
{
    private const int Together = 32;

    private readonly Lock gate = new();
    private IBackend? backend;
    private PlanRunner? runner;

    /// <param name="samples">Values as the model takes them, as bytes.</param>
    public float[] Run(ReadOnlySpan<byte> samples, int count)
    {
        lock (gate)
        {
            var plan = runner ??= Open();
            int each = checked((int)data.Sample.Bytes), done = 0;
            var answers = new float[checked(count * Outputs(plan, 1))];
            while (done < count)
            {
                int now = count - done >= Together ? Together : 1, outputs = Outputs(plan, now);
                Run(plan, now, samples.Slice(done * each, now * each), answers.AsSpan(done * (outputs / now), outputs));
                done += now;
            }

            return answers;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            runner?.Dispose();
            backend?.Dispose();
            (runner, backend) = (null, null);
        }
    }

    private static void Run(PlanRunner plan, int count, ReadOnlySpan<byte> samples, Span<float> answers)
    {
        var input = samples.ToArray();
        var output = new byte[answers.Length * sizeof(float)];
        plan.Run($"predict/{count}", input, output);
        MemoryMarshal.Cast<byte, float>(output).CopyTo(answers);
    }

    private static int Outputs(PlanRunner plan, int count) => checked((int)(plan.Loaded.Plan[$"predict/{count}"].HostSlots[1] / sizeof(float)));

    private PlanRunner Open()
    {
        var definition = new TrainingDefinition(
            job.Model, job.Loss, job.Optimizer, data.Sample, data.Label, data.Classes, Shards: 1, job.Seed, JobSchedule.Of(job, data.TrainCount).TotalSteps) { IsStrict = job.IsStrict };
        var compiled = PredictionCompiler.Compile(definition, [1, Together]);
        backend = open(new DeviceDescription("cpu", 0, 1));
        var opened = new PlanRunner(backend, compiled.Plan);
        new Workers.Replica([.. values.Select(v => new Workers.ReplicaValue(VariableKind.Parameter, v))]).Write(opened.Loaded, compiled);
        return opened;
    }
}
