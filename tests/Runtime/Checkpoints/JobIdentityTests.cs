using System.Globalization;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Tests.Checkpoints;

public sealed class JobIdentityTests
{
    private static readonly TrainingJob Job = TinyJob.Create();

    public static TheoryData<string, TrainingJob> Others => new()
    {
        { "model is Activation there and Linear here", Job with { Model = new Sequential(new Linear(8), new Linear(3)) } },
        { "loss is", Job with { Loss = new SoftmaxCrossEntropy { LabelSmoothing = 0.1 } } },
        { "optimizer is LearningRate = 0.1 there and LearningRate = 0.2 here", Job with { Optimizer = new Sgd { LearningRate = 0.2, Momentum = 0.9 } } },
        { "optimizer is", Job with { Optimizer = new AdamW() } },
        { "batch-size is 32 there and 16 here", Job with { BatchSize = 16 } },
        { "shards is 4 there and 2 here", Job with { Shards = 2 } },
        { "seed is 7 there and 8 here", Job with { Seed = 8 } },
        { "precision is nothing there and strict here", Job with { IsStrict = true } },
        { "storage is nothing there and bfloat16 here", Job with { IsHalfStored = true } },
        { "frozen is [] there and [0.*] here", Job with { Frozen = ["0.*"] } },
        { "early-stopping is off there and", Job with { EarlyStopping = new EarlyStopping() } },
        { "data is", Job with { Data = TinyJob.Clouds() with { TrainLabels = new int[TinyJob.Train] } } },
        { "data is", Job with { Data = TinyJob.Clouds() with { TestInputs = default, TestLabels = default } } },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public async Task Whatever_the_weights_depend_on_is_told_apart_by_name(string sentence, TrainingJob other)
    {
        string difference = (await Of(Job)).Difference(await Of(other))!;
        Assert.Contains(sentence.Split(" there")[0], difference);
        Assert.Contains(sentence.Split(" and ")[^1], difference);
    }

    [Fact]
    public async Task The_same_job_is_the_same_whatever_it_is_called_and_whoever_asks()
    {
        var here = await Of(Job);
        Assert.Null(here.Difference(await Of(Job with { Name = "another" })));
        CultureInfo.CurrentCulture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        CultureInfo.CurrentCulture.NumberFormat.NumberDecimalSeparator = ",";
        Assert.Null(here.Difference(await Of(TinyJob.Create())));
    }

    [Fact]
    public async Task The_number_of_steps_counts_only_where_something_depends_on_it()
    {
        Assert.Null((await Of(Job)).Difference(await Of(Job with { Epochs = 30 })));
        var falling = Job with { Optimizer = new Sgd { Schedule = new WarmUpSchedule(2, new CosineSchedule()) } };
        Assert.Equal("steps is 12 there and 5 here", (await Of(falling)).Difference(await Of(falling with { MaxSteps = 5 })));
        var stopping = Job with { EarlyStopping = new EarlyStopping() };
        Assert.Equal("steps is 12 there and 5 here", (await Of(stopping)).Difference(await Of(stopping with { MaxSteps = 5 })));
    }

    /// <summary>Whoever adds to a job what its weights depend on, and not to its identity, would resume another job without a word. A memory budget and the size of buckets never change a bit.</summary>
    [Fact]
    public void Everything_in_a_job_is_either_part_of_it_or_known_to_leave_no_trace() => Assert.Equal(
        ["BatchSize", "BucketBytes", "Data", "EarlyStopping", "EffectiveShards", "Epochs", "EvaluateEvery", "Frozen", "IsHalfStored", "IsStrict", "Loss", "MaxSteps", "MemoryBudget", "Model", "Name", "Optimizer", "Seed", "Shards", "TopK"],
        typeof(TrainingJob).GetProperties().Select(p => p.Name).Order(StringComparer.Ordinal));

    private static async Task<JobIdentity> Of(TrainingJob job) =>
        JobIdentity.Of(job, await DataLoader.LoadAsync(job.Data, job.Seed), JobSchedule.Of(job, TinyJob.Train));
}
