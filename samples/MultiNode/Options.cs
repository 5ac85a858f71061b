using System.Globalization;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    private const string Usage =
        "options: --chaos (kills a worker now and then), --every SECONDS (that three workers are left alone), --digits N (to train on), --epochs N, --seed N";

    public bool Chaos { get; private init; }

    public TimeSpan Every { get; private init; } = TimeSpan.FromSeconds(3);

    public int Digits { get; private init; } = 20_000;

    public int Epochs { get; private init; } = 4;

    public ulong Seed { get; private init; } = 1;

    /// <exception cref="UsageException"/>
    public static Options Parse(string[] words)
    {
        var options = new Options();
        for (int i = 0; i < words.Length; i++)
        {
            string option = words[i];
            options = option switch
            {
                "--chaos" => options with { Chaos = true },
                "--every" => options with { Every = TimeSpan.FromSeconds(Number(1, 3600)) },
                "--digits" => options with { Digits = (int)Number(1, 10_000_000) },
                "--epochs" => options with { Epochs = (int)Number(1, int.MaxValue) },
                "--seed" => options with { Seed = Number(0, ulong.MaxValue) },
                _ => throw new UsageException($"there is no option '{option}'; {Usage}"),
            };

            ulong Number(ulong least, ulong most)
            {
                string value = ++i < words.Length ? words[i] : throw new UsageException($"{option} needs a value; {Usage}");
                return ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= least && number <= most
                    ? number
                    : throw new UsageException($"{option} takes a whole number from {least} to {most}, not '{value}'");
            }
        }

        return options;
    }

    /// <summary>SINGA's MNIST network on drawn digits: every node draws the same ones.</summary>
    public TrainingJob Job() => new()
    {
        Name = "drawn digits",
        Model = ModelCatalog.LeNet(classes: 10),
        Data = new DigitsData { Train = Digits, Test = Math.Max(1, Digits / 5) },
        Loss = new SoftmaxCrossEntropy(),
        Optimizer = new Sgd { LearningRate = 0.01, Momentum = 0.9, Schedule = new CosineSchedule() },
        BatchSize = 64,
        Epochs = Epochs,
        Seed = Seed,
    };
}
