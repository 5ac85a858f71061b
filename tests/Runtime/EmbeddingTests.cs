using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests;

/// <summary>The README's lines of embedding, run as they stand there.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task The_lines_in_the_readme_train_a_model_that_answers()
    {
        // README: begin
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddSinga();
        using var host = builder.Build();
        await host.StartAsync();

        var training = host.Services.GetRequiredService<ITraining>();
        var run = await training.SubmitAsync(new TrainingJob
        {
            Model = ModelCatalog.LeNet(classes: 10), Data = new DigitsData { Train = 640, Test = 100 }, Loss = new SoftmaxCrossEntropy(),
            Optimizer = new Sgd { LearningRate = 0.01, Momentum = 0.9 }, BatchSize = 64, Epochs = 1, Seed = 1,
        });
        await foreach (var progress in run.Progress)
            Console.WriteLine($"step {progress.Step}: loss {progress.Loss:F4}");
        using var trained = (await run.Completion).Model;
        float[] answers = trained.Run(new float[28 * 28]);
        // README: end
        Assert.Equal(10, answers.Length);
        Assert.All(answers, answer => Assert.True(float.IsFinite(answer)));
        await host.StopAsync();
    }

    [Fact]
    public void The_readme_has_the_very_lines_that_are_run_here() => ReadmeExample.Check("tests", "Runtime", "EmbeddingTests.cs");
}
