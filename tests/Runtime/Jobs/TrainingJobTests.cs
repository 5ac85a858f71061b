using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Jobs;

public sealed class TrainingJobTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(15, 1)]
    [InlineData(16, 2)]
    [InlineData(64, 8)]
    [InlineData(100, 8)]
    [InlineData(256, 32)]
    [InlineData(4096, 32)]
    public void Automatic_shards_leave_at_least_eight_samples_each(int batch, int shards) => Assert.Equal(shards, TrainingJob.AutoShards(batch));

    [Fact]
    public void Steps_are_the_smaller_of_epochs_and_limit_and_count_the_short_batch()
    {
        var job = new TrainingJob
        {
            Model = ModelCatalog.Mlp(10), Data = new DigitsData(), Loss = new SoftmaxCrossEntropy(), Optimizer = new Sgd(), BatchSize = 64, Epochs = 3,
        };
        Assert.Equal(6, job.TotalSteps(65));
        Assert.Equal(5, (job with { MaxSteps = 5 }).TotalSteps(65));
        Assert.Equal(6, (job with { MaxSteps = 50 }).TotalSteps(65));
    }
}
