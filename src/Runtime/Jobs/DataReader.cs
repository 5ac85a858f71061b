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
        return data["kind"].OneOf(["idx", "digits", "cifar", "csv", "images", "text"]) switch
        {
            "idx" => reader.Idx(),
            "cifar" => reader.Cifar(),
            "csv" => reader.Csv(),
            "images" => reader.Images(),
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

    private CsvData Csv()
    {
        Only("path", "train", "test", "test-fraction", "seed", "header", "delimiter", "label", "target", "columns", "standardise");
        var columns = data.Written("columns");
        columns?.Only("numeric", "categorical", "ignore");
        return new CsvData
        {
            Train = Place(Training()),
            Test = Test(),
            TestFraction = data["test-fraction"].Number(0, 1),
            Seed = data.Find("seed")?.Unsigned(),
            Header = data["header"] is { IsObject: false, Text: "auto" } ? null : data["header"].Flag(),
            Delimiter = Delimiter(data["delimiter"]),
            Label = data.Find("label")?.Text,
            Target = data["target"].OneOf(["auto", "class", "number"]) switch { "class" => TableTarget.Class, "number" => TableTarget.Number, _ => TableTarget.Auto },
            Numeric = Names("numeric"),
            Categorical = Names("categorical"),
            Ignore = Names("ignore"),
            Standardise = data["standardise"].Flag(),
        };

        Seq<string> Names(string key) => columns?.Find(key) is { } names ? names.Elements.ToSeq() : [];
    }

    private ImageData Images()
    {
        Only("path", "train", "test", "test-fraction", "seed", "size", "resize", "channels", "augment");
        return new ImageData
        {
            Train = Place(Training()),
            Test = Test(),
            TestFraction = data["test-fraction"].Number(0, 1),
            Seed = data.Find("seed")?.Unsigned(),
            Size = (int)data["size"].Whole(1, ImageData.SizeMax),
            Resize = (int)(data.Find("resize")?.Whole(1, ImageData.SizeMax) ?? 0),
            Channels = data["channels"].OneOf(["1", "3"]) == "1" ? 1 : 3,
            Augmentation = Augmentation("crop-padding", "crop", "flip"),
        };
    }

    private static char Delimiter(Setting delimiter) => delimiter.Text switch
    {
        "tab" => '\t',
        [var character] => character,
        _ => throw delimiter.Refused($"must be a single character or tab, not '{delimiter.Text}'"),
    };

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

    /// <summary>What is tested on, where it is not a part of what is trained on.</summary>
    private string? Test()
    {
        if (data.Written("test") is not { } test)
            return null;
        if (data.Written("test-fraction") is { } fraction)
            throw fraction.Refused($"holds samples back where {test.Path} names others; give one of them");
        return Place(test);
    }

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
