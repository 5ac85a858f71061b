using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>What one device would do in a job. A device that stands by has no shards and no plan.</summary>
public sealed record JobPlan(string Device, ShardRange Shards, TrainingPlan? Plan)
{
    /// <summary>The plans of a job on devices of this process, as its workers would compile them.</summary>
    /// <exception cref="Graph.GraphException">The model does not fit the data; names the layer.</exception>
    public static ImmutableArray<JobPlan> Of(TrainingJob job, DataDescription data, IEnumerable<string> devices)
    {
        var schedule = JobSchedule.Of(job, data.TrainCount);
        var evaluation = EvaluationSchedule.Of(data.TestCount, job.BatchSize);
        var membership = Membership.Form(Generation.First, [.. devices.Select(d => new DeviceOffer("", d))], schedule.Shards, evaluation.Batches);
        var definition = WorkerOrder.Define(job, data);
        return
        [
            .. membership.Members.Select(m => new JobPlan(m.Offer.Device, m.Shards, TrainingCompiler.Compile(
                definition, m.Shards, schedule.Layouts(m.Shards), [.. evaluation.Sizes(m.EvaluationBatches)], []))),
            .. membership.StandBy.Select(o => new JobPlan(o.Device, default, null)),
        ];
    }
}
