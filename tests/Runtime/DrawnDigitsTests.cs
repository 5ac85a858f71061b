using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests;

/// <summary>Whether the drawn digits are a worthy stand-in for real ones.</summary>
[Collection(Busy.Name)]
public sealed class DrawnDigitsTests
{
    [SkippableFact]
    public async Task A_network_trained_on_drawn_digits_reads_them_and_real_ones_too()
    {
        using var host = StartedHost();
        var run = await host.Services.GetRequiredService<ITraining>().SubmitAsync(new TrainingJob
        {
            Model = ModelCatalog.LeNet(classes: 10), Data = new DigitsData { Test = 2_000 }, Loss = new SoftmaxCrossEntropy(),
            Optimizer = new Sgd { LearningRate = 0.01, Momentum = 0.9, Schedule = new CosineSchedule() }, Epochs = 2,
        });
        var result = await run.Completion;
        using var trained = result.Model;
        await host.StopAsync();
        Assert.InRange(result.TestAccuracy!.Value, 0.97, 1);

        string images = Mnist("t10k-images-idx3-ubyte.gz"), labels = Mnist("t10k-labels-idx1-ubyte.gz");
        Assert.InRange(Accuracy(trained, IdxFile.Read(images, IdxFile.ImagesRank), IdxFile.Read(labels, IdxFile.LabelsRank)), 0.8, 1);
    }

    private static IHost StartedHost()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddSinga();
        var host = builder.Build();
        host.Start();
        return host;
    }

    private static double Accuracy(TrainedModel model, IdxFile images, IdxFile labels)
    {
        var answers = model.Run(images.Values);
        int right = 0;
        for (int i = 0; i < labels.Values.Length; i++)
        {
            var answer = answers.AsSpan(i * 10, 10);
            right += answer.IndexOf(answer.ToArray().Max()) == labels.Values[i] ? 1 : 0;
        }

        return right / (double)labels.Values.Length;
    }

    private static string Mnist(string file) => Repository.Shared("mnist", file);
}
