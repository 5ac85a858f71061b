using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>What one device would do in a job. A device that stands by has no shards and no plan.</summary>
public sealed record JobPlan(string Device, ShardRange Shards, WorkerPlan? Worker)
{
    /// <summary>The plans of a job on devices of this process, as its workers would compile them.</summary>
    /// <exception cref="Graph.GraphException">The model does not fit the data; names the layer.</exception>
    /// <exception cref="JobRefusedException">A device's plan does not fit the job's budget of memory.</exception>
    public static ImmutableArray<JobPlan> Of(TrainingJob job, DataDescription data, IReadOnlyCollection<DeviceDescription> devices, RuntimeSettings settings)
    {
        var schedule = JobSchedule.Of(job, data.TrainCount);
        var evaluation = EvaluationSchedule.Of(data.TestCount, job.BatchSize);
        var membership = Membership.Form(Generation.First, [.. devices.Select(d => new DeviceOffer("", d.Name))], schedule.Shards, evaluation.Batches);
        return
        [
            .. membership.Members.Select(m => new JobPlan(m.Offer.Device, m.Shards, Compile(m))),
            .. membership.StandBy.Select(o => new JobPlan(o.Device, default, null)),
        ];

        WorkerPlan Compile(Member member)
        {
            long Scratch(Plan plan) => Backends.ScratchBytes(devices.First(d => d.Name == member.Offer.Device), plan);
            var plan = new WorkerSpace(member.Offer.Device, Scratch, settings.StepsAhead + settings.BatchesAhead).Compile(job, data, member.Shards, member.EvaluationBatches);
            return plan with { Scratch = Scratch(plan.Plan.Plan) };
        }
    }
}
