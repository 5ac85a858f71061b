using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>From <c>job.data</c> to what it describes.</summary>
/// <param name="folder">Where relative paths begin.</param>
internal sealed class DataReader(Setting data, string folder)
{
    public static DataSpec Read(Setting data, string folder)
    {
        var reader = new DataReader(data, folder);
        return data["kind"].OneOf(["idx", "digits", "cifar", "text"]) switch
        {
            "idx" => reader.Idx(),
            "cifar" => reader.Cifar(),
            "text" => reader.Text(),
            _ => reader.Digits(),
        };
    }

    private IdxData Idx()
    {
        Only("train-images", "train-labels", "test-images", "test-labels", "classes");
        return new IdxData
        {
            TrainImages = Place(data["train-images"]),
            TrainLabels = Place(data["train-labels"]),
            TestImages = data.Find("test-images") is { } images ? Place(images) : null,
            TestLabels = data.Find("test-labels") is { } labels ? Place(labels) : null,
            Classes = (int)data["classes"].Whole(2, 256),
        };
    }

    private DigitsData Digits()
    {
        Only("train", "test", "seed");
        return new DigitsData
        {
            Train = (int)data["train"].Whole(1, int.MaxValue),
            Test = (int)data["test"].Whole(0, int.MaxValue),
            Seed = data.Find("seed")?.Unsigned(),
        };
    }

    private CifarData Cifar()
    {
        Only("path", "train", "test", "classes", "labels", "augment");
        int classes = data["classes"].OneOf(["10", "100"]) == "100" ? 100 : 10;
        return new CifarData
        {
            Train = Places(Training()),
            Test = data.Written("test") is { } test ? Places(test) : [],
            Classes = classes,
            Coarse = data.Find("labels")?.OneOf(["fine", "coarse"]) == "coarse",
            Augmentation = Augmentation("crop-padding", "flip"),
        };
    }

    private TextData Text()
    {
        Only("path", "tokens", "length");
        return new TextData
        {
            Path = Place(data["path"]),
            Tokens = data["tokens"].OneOf(["characters", "bytes"]) == "bytes" ? TextTokens.Bytes : TextTokens.Characters,
            Length = (int)data["length"].Whole(1, TextData.LengthMax),
        };
    }

    /// <summary>What is trained on: <c>path</c>, as with every kind, or <c>train</c>, where <c>test</c> stands beside it.</summary>
    private Setting Training() => (data.Written("path"), data.Written("train")) switch
    {
        ({ } path, { } train) => throw train.Refused($"says what {path.Path} says already; give one of them"),
        (null, null) => data["path"],
        var (path, train) => path ?? train!,
    };

    private Augmentation Augmentation(params string[] keys)
    {
        if (data.Written("augment") is not { } augment)
            return Data.Images.Augmentation.None;
        augment.Only(keys);
        return new Augmentation
        {
            CropPadding = (int)(augment.Find("crop-padding")?.Whole(0, 1 << 12) ?? 0),
            Crop = augment.Find("crop")?.Flag() ?? false,
            Flip = augment.Find("flip")?.Flag() ?? false,
        };
    }

    private void Only(params string[] keys) => data.Only(["kind", .. keys]);

    /// <summary>Relative paths count from the job file's folder or, where nothing is there, from the working directory.</summary>
    private string Place(Setting path) => Place(path, path.Text);

    private Seq<string> Places(Setting paths) => paths.Elements.Select(text => Place(paths, text)).ToSeq();

    private string Place(Setting path, string text)
    {
        if (text.Length == 0 || text.Contains('\0'))
            throw path.Refused("is no path: it is empty or holds a null character");
        string beside = Path.GetFullPath(text, folder), here = Path.GetFullPath(text);
        return !Path.Exists(beside) && Path.Exists(here) ? here : beside;
    }
}
