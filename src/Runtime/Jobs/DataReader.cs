using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>From <c>job.data</c> to what it describes.</summary>
/// <param name="folder">Where relative paths begin.</param>
internal sealed class DataReader(Setting data, string folder)
{
    public static DataSpec Read(Setting data, string folder)
    {
        var reader = new DataReader(data, folder);
        return data["kind"].OneOf(["idx", "digits", "text"]) switch
        {
            "idx" => reader.Idx(),
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

    private void Only(params string[] keys) => data.Only(["kind", .. keys]);

    /// <summary>Relative paths count from the job file's folder or, where nothing is there, from the working directory.</summary>
    private string Place(Setting path)
    {
        if (path.Text.Contains('\0'))
            throw path.Refused("is no path: it holds a null character");
        string beside = Path.GetFullPath(path.Text, folder), here = Path.GetFullPath(path.Text);
        return !Path.Exists(beside) && Path.Exists(here) ? here : beside;
    }
}
