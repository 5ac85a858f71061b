using Singa.Actors.Graph;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>From settings to the job they describe; <c>hocon/reference.conf</c> explains the keys and has their defaults.</summary>
internal static class JobReader
{
    /// <summary>What a job asks of a cluster; nothing of what is trained.</summary>
    private static readonly string[] DemandKeys = ["min-devices", "max-devices", "priority"];

    public static readonly string[] Keys = ["model", "data", "loss", "optimizer", "batch-size", "epochs", "max-steps", "shards", "seed", "frozen", "top-k", "memory-budget",
        "checkpoint", "evaluate-every", "early-stopping", "precision", "storage", "bucket-size", .. DemandKeys];

    private const long LookedThroughMax = 64 << 20;

    /// <param name="notes">Takes what whoever wrote the job may want to know.</param>
    /// <exception cref="JobRefusedException"/>
    public static TrainingJob Read(Setting job, string name, string folder, List<string> notes)
    {
        job.Only(Keys);
        if (OnnxModelReader.Find(job["model"], folder) is { } file)
            return file.Adapted(Read(job, name, file.Module, DataReader.Read(job["data"], folder), givesInputBack: false), notes);
        return Read(job, name, folder, DataLoader.Describe);
    }

    /// <summary>Whether everything is said as it should be. Where the data is not there, or would take long to look through, its model is not built.</summary>
    /// <exception cref="JobRefusedException"/>
    public static void Check(Setting job, string name, string folder)
    {
        job.Only(Keys);
        if (OnnxModelReader.Find(job["model"], folder) is { } file)
            Read(job, name, file.Module, DataReader.Read(job["data"], folder), givesInputBack: false);
        else
            Read(job, name, folder, Described);
    }

    private static DataDescription? Described(DataSpec data)
    {
        try
        {
            return IsLong(data) ? null : DataLoader.Describe(data);
        }
        catch (JobRefusedException e) when (e.InnerException is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether a description takes more than the headers of some files.</summary>
    private static bool IsLong(DataSpec data) => data switch
    {
        CsvData csv => new FileInfo(csv.Train) is { Exists: true, Length: > LookedThroughMax },
        TextData text => new FileInfo(text.Path) is { Exists: true, Length: > LookedThroughMax },
        ImageData => true,
        _ => false,
    };

    private static TrainingJob Read(Setting job, string name, string folder, Func<DataSpec, DataDescription?> describe)
    {
        string model = ModelName(job["model"]);
        var data = DataReader.Read(job["data"], folder);
        var description = describe(data);
        return Read(job, name, description is null ? new Sequential() : Model(model, job["model"], description), data, ModelCatalog.GivesInputBack(model));
    }

    /// <summary>A job that was written down: its model stands beside it, its data may be a host's.</summary>
    /// <exception cref="JobRefusedException"/>
    public static TrainingJob ReadForm(string text, Module model)
    {
        var written = JobSettings.Parse(text, "the job as it travels");
        written.Only("name", "job");
        var job = written.Over(JobSettings.Defaults)["job"];
        job.Only([.. Keys.Except(["model", "checkpoint", .. DemandKeys])]);
        var data = job["data"]["kind"].Text == HostData.Kind ? new HostData(job["data"]["id"].Text) : DataReader.Read(job["data"], Path.GetPathRoot(Environment.CurrentDirectory)!);
        return Read(job, written["name"].Text, model, data, givesInputBack: false);
    }

    private static TrainingJob Read(Setting job, string name, Module model, DataSpec data, bool givesInputBack)
    {
        return new TrainingJob
        {
            Name = name,
            Model = model,
            Data = data,
            Loss = RecipeReader.Loss(job["loss"], isDefault: job.Written("loss") is null, givesInputBack),
            Optimizer = RecipeReader.Optimizer(job["optimizer"]),
            IsStrict = job["precision"].OneOf(["fast", "strict"]) == "strict",
            IsHalfStored = job["storage"].OneOf(["float32", "bfloat16"]) == "bfloat16",
            BucketBytes = job["bucket-size"].Bytes(),
            Frozen = job.Find("frozen") is { } frozen ? [.. frozen.Elements] : [],
            BatchSize = (int)job["batch-size"].Whole(1, 1 << 24),
            Epochs = (int)job["epochs"].Whole(1, int.MaxValue),
            MaxSteps = job["max-steps"].Whole(0, long.MaxValue),
            Shards = job["shards"] is { IsObject: false, Text: "auto" } ? 0 : Shards(job["shards"]),
            Seed = job["seed"].Unsigned(),
            MemoryBudget = job.Find("memory-budget")?.Bytes() ?? 0,
            TopK = (int)job["top-k"].Whole(0, int.MaxValue),
            EvaluateEvery = job["evaluate-every"].Whole(0, long.MaxValue),
            EarlyStopping = job.Find("early-stopping") is { } stopping ? StoppingReader.Read(stopping) : null,
        };
    }

    /// <summary>What a job's file says that changes nothing of what is trained.</summary>
    public static TrainingOptions Options(Setting job, string folder)
    {
        var options = new TrainingOptions
        {
            MinDevices = (int)job["min-devices"].Whole(1, 1 << 16),
            MaxDevices = (int)job["max-devices"].Whole(0, 1 << 16),
            Priority = (int)job["priority"].Whole(-1000, 1000),
        };
        if (options.MaxDevices > 0 && options.MaxDevices < options.MinDevices)
            throw job["max-devices"].Refused($"must be 0 or at least min-devices, which is {options.MinDevices}");
        if (job.Find("checkpoint") is not { } checkpoint)
            return options;
        if (checkpoint.IsObject)
            checkpoint.Only("path", "every");
        string path = (checkpoint.IsObject ? checkpoint["path"] : checkpoint).Text;
        long every = checkpoint.Find("every")?.Whole(1, long.MaxValue) ?? 0;
        return options with { Checkpoint = new CheckpointOptions(Path.GetFullPath(path, folder)) { Every = every } };
    }

    private static string ModelName(Setting model)
    {
        string name = (model.IsObject ? model["name"] : model).OneOf(ModelCatalog.Names);
        if (model.IsObject)
            model.Only(["name", .. ModelCatalog.SettingsOf(name)]);
        return name;
    }

    private static Module Model(string name, Setting model, DataDescription data)
    {
        var settings = new ModelSettings(model.Items.Where(i => i.Key != "name").Select(i => KeyValuePair.Create(i.Key, i.Text)));
        try
        {
            return ModelCatalog.Create(name, data.Sample.Shape, data.Outputs, settings);
        }
        catch (GraphException e) when (e.Setting is { } key)
        {
            throw model[key].Refused(e.Message);
        }
    }

    private static int Shards(Setting shards) =>
        long.TryParse(shards.Text, out _) ? (int)shards.Whole(1, 4096) : throw shards.Refused($"must be auto or a whole number, not '{shards.Text}'");
}
