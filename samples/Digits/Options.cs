using System.Globalization;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Samples.Digits;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    private const string Usage =
        "options: --data DIR (IDX files as MNIST's; without it digits are drawn), --epochs N, --seed N, --devices LIST (as in cpu=2), --threads N";

    public string? Data { get; private init; }

    public int? Epochs { get; private init; }

    public ulong Seed { get; private init; } = 1;

    public string? Devices { get; private init; }

    public int? Threads { get; private init; }

    /// <exception cref="UsageException"/>
    public static Options Parse(string[] words)
    {
        var options = new Options();
        for (int i = 0; i < words.Length; i += 2)
        {
            string value = i + 1 < words.Length ? words[i + 1] : throw new UsageException($"'{words[i]}' stands alone; {Usage}");
            options = words[i] switch
            {
                "--data" => options with { Data = value },
                "--epochs" => options with { Epochs = (int)Number(words[i], value, 1, int.MaxValue) },
                "--seed" => options with { Seed = Number(words[i], value, 0, ulong.MaxValue) },
                "--devices" => options with { Devices = value },
                "--threads" => options with { Threads = (int)Number(words[i], value, 1, 1024) },
                _ => throw new UsageException($"there is no option '{words[i]}'; {Usage}"),
            };
        }

        return options;
    }

    /// <summary>SINGA's MNIST network on drawn digits or on real ones.</summary>
    public TrainingJob Job() => new()
    {
        Name = Data is null ? "drawn digits" : "digits",
        Model = ModelCatalog.LeNet(classes: 10),
        Data = Data is null ? new DigitsData() : Idx(Data),
        Loss = new SoftmaxCrossEntropy(),
        Optimizer = new Sgd { LearningRate = 0.01, Momentum = 0.9, Schedule = new CosineSchedule() },
        BatchSize = 64,
        Epochs = Epochs ?? (Data is null ? 4 : 8),
        Seed = Seed,
    };

    private static IdxData Idx(string folder) => new()
    {
        TrainImages = File(folder, "train-images-idx3-ubyte"),
        TrainLabels = File(folder, "train-labels-idx1-ubyte"),
        TestImages = File(folder, "t10k-images-idx3-ubyte"),
        TestLabels = File(folder, "t10k-labels-idx1-ubyte"),
    };

    /// <summary>Zipped as it is handed out, or unpacked.</summary>
    private static string File(string folder, string name)
    {
        string plain = Path.Combine(folder, name);
        return System.IO.File.Exists(plain) ? plain : plain + ".gz";
    }

    private static ulong Number(string option, string value, ulong least, ulong most) =>
        ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= least && number <= most
            ? number
            : throw new UsageException($"{option} takes a whole number of at least {least}, not '{value}'");
}
