using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Tests.Data;

namespace Singa.Actors.Runtime.Tests.Jobs;

public sealed class JobFileTests : IDisposable
{
    private const string Minimal = "job { model = lenet, data { kind = digits } }";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Reads_a_job_as_it_is_documented()
    {
        folder.Write("train-images", Idx.Images(4, 28, 28));
        folder.Write("train-labels", Idx.Labels(1, 2, 3, 4));
        string file = folder.Write("mnist.conf", """
            job {
              model = lenet                      # a name
              data { kind = idx, train-images = train-images, train-labels = "train-labels" }   # idx | digits
              loss = softmax-cross-entropy
              optimizer { kind = sgd, learning-rate = 0.02, momentum = 0.9, schedule { kind = cosine } }
              batch-size = 32, epochs = 5, max-steps = 7, shards = 4, seed = 18446744073709551615
            }
            """u8.ToArray());

        var job = JobFile.Read(file).Job;

        Assert.Equal("mnist", job.Name);
        Assert.Equal(ModelCatalog.LeNet(10), job.Model);
        Assert.Equal(new IdxData { TrainImages = folder["train-images"], TrainLabels = folder["train-labels"] }, job.Data);
        Assert.Equal(new SoftmaxCrossEntropy(), job.Loss);
        Assert.Equal(new Sgd { LearningRate = 0.02, Momentum = 0.9, Schedule = new CosineSchedule() }, job.Optimizer);
        Assert.Equal((32, 5, 7L, 4, ulong.MaxValue), (job.BatchSize, job.Epochs, job.MaxSteps, job.Shards, job.Seed));
    }

    [Fact]
    public void Reads_recipes_with_all_their_keys()
    {
        var adamw = Parse("""
            job { model = lenet, data { kind = digits }, loss { name = softmax-cross-entropy, label-smoothing = 0.1, ignore-index = -1 }
              optimizer { kind = adamw, learning-rate = 0.002, beta2 = 0.95, weight-decay = 0.1, no-decay = ["*.bias"], clip-norm = 1.0
                schedule { kind = cosine, to = 0.1, warm-up = 100 } }
              frozen = ["conv1.*"] }
            """);
        Assert.Equal(new SoftmaxCrossEntropy { LabelSmoothing = 0.1, IgnoreIndex = -1 }, adamw.Loss);
        Assert.Equal(new AdamW
        {
            LearningRate = 0.002, Beta2 = 0.95, WeightDecay = 0.1, NoDecay = ["*.bias"], ClipNorm = 1, Schedule = new WarmUpSchedule(100, new CosineSchedule { To = 0.1 }),
        }, adamw.Optimizer);
        Assert.Equal(["conv1.*"], adamw.Frozen);

        var rmsprop = Parse("job { model = mlp, data { kind = digits }, loss { name = huber, delta = 2 }, optimizer { kind = rmsprop, alpha = 0.9, centered = on, schedule { kind = step, every = 30 } } }");
        Assert.Equal(new Huber { Delta = 2 }, rmsprop.Loss);
        Assert.Equal(new RmsProp { LearningRate = 0.01, Alpha = 0.9, Centered = true, Schedule = new StepSchedule(30) }, rmsprop.Optimizer);
        Assert.Equal(new AdaGrad { LearningRate = 0.01, Epsilon = 1e-6 }, Parse("job { model = mlp, data { kind = digits }, optimizer { kind = adagrad, epsilon = 1e-6 } }").Optimizer);
    }

    [Fact]
    public void An_autoencoder_is_measured_by_its_input_unless_told_otherwise()
    {
        TrainingJob With(string rest) => Parse($"job {{ model {{ name = autoencoder, code = 16 }}, data {{ kind = digits }}, {rest} }}");
        Assert.Equal(new MeanSquaredError { ReconstructsInput = true }, With("").Loss);
        Assert.Equal(new BinaryCrossEntropy { ReconstructsInput = true }, With("loss = binary-cross-entropy").Loss);
        Assert.Equal(new Huber { Delta = 2, ReconstructsInput = true }, With("loss { name = huber, delta = 2 }").Loss);
        Assert.Equal(new MeanAbsoluteError(), With("loss { name = mae, target = label }").Loss);
        Assert.Equal(new MeanSquaredError { ReconstructsInput = true }, Parse("job { model = mlp, data { kind = digits }, loss { name = mse, target = input } }").Loss);
        var refused = Assert.Throws<JobRefusedException>(() => With("loss = softmax-cross-entropy"));
        Assert.Equal("job.loss in test.conf is 'softmax-cross-entropy', which does not compare values one by one; for a model that gives its input back it can be "
            + "binary-cross-entropy | huber | mae | mse", refused.Message);
    }

    [Fact]
    public void The_readmes_job_can_be_read()
    {
        foreach (string name in (string[])["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
            folder.Write($"{name}-ubyte.gz", Idx.Gzip(name.Contains("images") ? Idx.Images(1, 28, 28) : Idx.Labels(1)));
        string readme = File.ReadAllText(Repository.Path("README.md")).ReplaceLineEndings("\n");
        string text = readme[(readme.IndexOf("```hocon\n", StringComparison.Ordinal) + 9)..];
        var job = Parse(text[..text.IndexOf("```", StringComparison.Ordinal)]);
        Assert.Equal(5, job.Epochs);
        Assert.Equal(folder["t10k-labels-idx1-ubyte.gz"], Assert.IsType<IdxData>(job.Data).TestLabels);
    }

    [Fact]
    public void Defaults_of_a_file_are_those_of_a_job_in_code()
    {
        var written = Parse(Minimal);
        var coded = new TrainingJob
        {
            Name = "test", Model = ModelCatalog.LeNet(10), Data = new DigitsData(), Loss = new SoftmaxCrossEntropy(), Optimizer = new Sgd(),
        };
        Assert.Equal(coded, written);
    }

    [Fact]
    public void Reads_where_the_job_is_saved_and_when_it_is_tested_and_ends()
    {
        var file = JobFile.Parse(Minimal + "\njob { checkpoint { path = saved, every = 7 }, evaluate-every = 5, early-stopping { patience = 2, restore-best = off } }",
            "test.conf", folder.Path, []);
        Assert.Equal(new CheckpointOptions(folder["saved"]) { Every = 7 }, file.Options.Checkpoint);
        Assert.Equal((5L, new EarlyStopping { Patience = 2, RestoreBest = false }), (file.Job.EvaluateEvery, file.Job.EarlyStopping));

        var shorter = JobFile.Parse(Minimal + "\njob { checkpoint = /else/where, early-stopping = on }", "test.conf", folder.Path, []);
        Assert.Equal(new CheckpointOptions(Path.GetFullPath("/else/where")), shorter.Options.Checkpoint);
        Assert.Equal(new EarlyStopping(), shorter.Job.EarlyStopping);
        Assert.Null(Parse(Minimal + "\njob.early-stopping = off").EarlyStopping);
    }

    [Theory]
    [InlineData("job.seed=8")]
    [InlineData("job.seed = \"8\"")]
    public void A_set_value_is_laid_over_the_file(string set) => Assert.Equal(8UL, Parse(Minimal + "\njob.seed = 5", set).Seed);

    [Fact]
    public void Later_sets_are_stronger_and_objects_merge()
    {
        var job = Parse(Minimal, "job.optimizer.momentum=0.5",
            "job.optimizer={ learning-rate = 0.3 }", "job.epochs=2", "job.epochs=3", "job.model.name=mlp", "job.shards=auto");
        Assert.Equal(new Sgd { LearningRate = 0.3, Momentum = 0.5 }, job.Optimizer);
        Assert.Equal(3, job.Epochs);
        Assert.Equal(ModelCatalog.Mlp(10), job.Model);
    }

    [Fact]
    public void A_set_text_may_hold_what_HOCON_would_not_take()
    {
        const string path = "http://host//a#b c=1";
        var refusal = Refused(Minimal, "job.data.kind=idx", $"job.data.train-images={path}", "job.data.train-labels=x");
        Assert.Contains("//a#b c=1", refusal.Replace(Path.GetFullPath(path, folder.Path), path));
    }

    [Fact]
    public void Paths_count_from_the_job_file()
    {
        folder.Write("i", Idx.Images(1, 28, 28));
        folder.Write("l", Idx.Labels(1));
        var data = Assert.IsType<IdxData>(Parse("job { model = mlp, data { kind = idx, train-images = ./i, train-labels = l } }").Data);
        Assert.Equal((folder["i"], folder["l"]), (data.TrainImages, data.TrainLabels));
    }

    [Fact]
    public void Reads_a_text_job_whose_path_is_set_from_outside()
    {
        folder.Write("t", new byte[2000]);
        var job = Parse("job { model = mlp, data { kind = text, path = nowhere, length = 16 } }", "job.data.path=t", "job.top-k=3");
        Assert.Equal(new TextData { Path = folder["t"], Length = 16 }, job.Data);
        Assert.Equal(3, job.TopK);
        job = Parse("job { model = mlp, data { kind = text, path = t, tokens = bytes } }");
        Assert.Equal(new TextData { Path = folder["t"], Tokens = TextTokens.Bytes }, job.Data);
    }

    [Fact]
    public void Reads_CIFAR_files_and_what_is_done_to_them()
    {
        folder.Write("a.bin", new byte[3074]);
        folder.Write("b.bin", new byte[3074]);
        var job = Parse("""
            job { model = resnet18, data { kind = cifar, train = [a.bin, b.bin], test = a.bin, classes = 100, labels = coarse, augment { crop-padding = 4, flip = on } } }
            """);
        Assert.Equal(new CifarData
        {
            Train = [folder["a.bin"], folder["b.bin"]], Test = [folder["a.bin"]], Classes = 100, Coarse = true, Augmentation = new() { CropPadding = 4, Flip = true },
        }, job.Data);
        Assert.Equal(ModelCatalog.Create("resnet18", Singa.Actors.Graph.Shape.Of(3, 32, 32), 20), job.Model);
        folder.Write("train.bin", new byte[3073]);
        Assert.Equal(new CifarData { Train = [folder.Path] }, Parse("job { model = mlp, data { kind = cifar, path = nowhere } }", "job.data.path=.").Data);
    }

    [Fact]
    public void Reads_tables_with_all_their_keys()
    {
        folder.Write("t.csv", "1;a;2.5\n2;b;3\n3;a;3"u8.ToArray());
        var job = Parse("""
            job { model = mlp, loss = mse, data { kind = csv, train = t.csv, test = t.csv, header = off, delimiter = ";", label = 3, target = number, standardise = off,
              columns { numeric = [1], categorical = 2 } } }
            """);
        Assert.Equal(new CsvData
        {
            Train = folder["t.csv"], Test = folder["t.csv"], Header = false, Delimiter = ';', Label = "3", Target = Singa.Actors.Runtime.Data.TableTarget.Number,
            Numeric = ["1"], Categorical = ["2"], Standardise = false,
        }, job.Data);
        Assert.Equal(ModelCatalog.Mlp(1), job.Model);
        folder.Write("u", "1\ta\n2\tb\n"u8.ToArray());
        Assert.Equal(new CsvData { Train = folder["u"], Delimiter = '\t' }, Parse("job { model = mlp, data { kind = csv, path = u, delimiter = tab } }").Data);
        Assert.Contains("give one of them", Refused("job { model = mlp, data { kind = csv, path = u, test = u, test-fraction = 0.5 } }"));
    }

    [Fact]
    public void Reads_folders_of_images_with_all_their_keys()
    {
        foreach (string part in new[] { "a", "b" })
        {
            Directory.CreateDirectory(Path.Combine(folder["pictures"], part));
            File.WriteAllBytes(Path.Combine(folder["pictures"], part, "x.png"), []);
        }

        var job = Parse("""
            job { model = resnet18, data { kind = images, train = pictures, test = pictures, size = 24, resize = 28, channels = 1, augment { crop = on, flip = on, crop-padding = 2 } } }
            """);
        Assert.Equal(new ImageData
        {
            Train = folder["pictures"], Test = folder["pictures"], Size = 24, Resize = 28, Channels = 1,
            Augmentation = new() { Crop = true, Flip = true, CropPadding = 2 },
        }, job.Data);
        Assert.Equal(new ImageData { Train = folder["pictures"], TestFraction = 0.5, Seed = 3 },
            Parse("job { model = mlp, data { kind = images, path = nowhere, test-fraction = 0.5, seed = 3 } }", "job.data.path=pictures").Data);
    }

    [Fact]
    public void What_is_the_hosts_is_handed_on()
    {
        var file = JobFile.Parse(Minimal + "\nsinga.devices { spin-time = 5us }\nakka { loggers = [a, b] }", "t.conf", folder.Path,
            ["singa.devices.queue-depth=3"]);
        Assert.Equal("singa.devices.queue-depth = \"3\"\nsinga.devices.spin-time = \"5us\"\nakka.loggers = [\"a\", \"b\"]\n", file.HostConfig);
    }

    [Theory]
    [InlineData("job.batchsize = 3", "job.batchsize in test.conf is unknown; did you mean job.batch-size?")]
    [InlineData("job.optimizer.learnin-rate = 3", "did you mean job.optimizer.learning-rate?")]
    [InlineData("job.optimizer.lr.x = 3", "job.optimizer.lr in test.conf is unknown")]
    [InlineData("jbo.seed = 3", "jbo in test.conf is unknown; did you mean job?")]
    [InlineData("job.data.train-images = x", "job.data.train-images in test.conf is unknown; did you mean job.data.train?")]
    [InlineData("job.model = lennet", "job.model in test.conf is 'lennet', which is unknown; did you mean lenet?")]
    [InlineData("job.model = { name = lenet, dropot = 0.1 }", "job.model.dropot in test.conf is unknown; did you mean job.model.name?")]
    [InlineData("job.data.kind = digit", "did you mean digits?")]
    [InlineData("job.loss = softmax", "did you mean softmax-cross-entropy?")]
    [InlineData("job.optimizer.kind = sdg", "did you mean sgd?")]
    [InlineData("job.optimizer.kind = adan", "did you mean adam?")]
    [InlineData("job.optimizer { kind = adam, nesterov = on }", "job.optimizer.nesterov in test.conf is unknown")]
    [InlineData("job.optimizer.schedule { kind = cosine, warmup = 5 }", "did you mean job.optimizer.schedule.warm-up?")]
    [InlineData("job.loss { name = huber, label-smoothing = 0.1 }", "job.loss.label-smoothing in test.conf is unknown")]
    [InlineData("job.optimizer.schedule = cosine", "job.optimizer.schedule in test.conf must be an object { kind = … }, not 'cosine'")]
    [InlineData("job.optimizer.schedule.kind = cosin", "did you mean cosine?")]
    [InlineData("job.checkpoint.evry = 3", "did you mean job.checkpoint.every?")]
    [InlineData("job.early-stopping.pacience = 3", "did you mean job.early-stopping.patience?")]
    [InlineData("job.early-stopping.min-delta = -1", "must be a number of at least 0")]
    [InlineData("job.batch-size = 0", "job.batch-size in test.conf must be a whole number within 1 … ")]
    [InlineData("job.batch-size = many", "not 'many'")]
    [InlineData("job.batch-size = 1.5", "not '1.5'")]
    [InlineData("job.batch-size = [1, 2]", "job.batch-size in test.conf must be a single value, not a list")]
    [InlineData("job.epochs = { a = 1 }", "job.epochs in test.conf must be a single value, not an object")]
    [InlineData("job.epochs = null", "job.epochs in test.conf has no value")]
    [InlineData("job.epochs = -1", "not '-1'")]
    [InlineData("job.max-steps = -1", "at least 0")]
    [InlineData("job.shards = some", "job.shards in test.conf must be auto or a whole number, not 'some'")]
    [InlineData("job.shards = 0", "within 1 … 4096")]
    [InlineData("job.seed = -3", "job.seed in test.conf must be a whole number of at least 0, not '-3'")]
    [InlineData("job.optimizer.learning-rate = NaN", "must be a number of at least 0, not 'NaN'")]
    [InlineData("job.optimizer.momentum = 1", "from 0 to below 1")]
    [InlineData("job.optimizer.nesterov = maybe", "must be on or off")]
    [InlineData("job.data = digits", "job.data in test.conf must be an object { kind = … }, not 'digits'")]
    public void Refuses_what_it_does_not_know_and_says_what_is_right(string line, string sentence)
    {
        string message = Refused(Minimal + "\n" + line);
        Assert.Contains(sentence, message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("job { model = lenet", "test.conf, line 1: '{' is never closed; correct it")]
    [InlineData("job {\n model = lenet\n}\n}", "test.conf, line 4: '}' closes nothing")]
    [InlineData("job {\n model = \"lenet\n}", "test.conf, line 2: a quote is never closed")]
    [InlineData("job { model = [1 }", "'}' does not close the '[' of line 1")]
    [InlineData("job { model = ${nothing} }", "test.conf cannot be read: Unresolved substitution: nothing")]
    [InlineData("include \"x\"", "test.conf, line 1: a job includes no other file")]
    [InlineData("", "test.conf has no job { … }")]
    [InlineData("job { }", "job.model is missing")]
    [InlineData("job { model = mlp }", "job.data.kind is missing")]
    [InlineData("job { model = mlp, data { kind = cifar } }", "job.data.path is missing in test.conf; add it")]
    [InlineData("job { model = mlp, data { kind = cifar, path = x, train = y } }", "job.data.train in test.conf says what job.data.path says already")]
    [InlineData("job { model = mlp, data { kind = cifar, path = x, classes = 20 } }", "It can be 10 | 100")]
    [InlineData("job { model = mlp, data { kind = cifar, path = x, augment { crop = on } } }", "job.data.augment.crop in test.conf is unknown")]
    [InlineData("job { model = mlp, data { kind = cifar, train = [] } }", "job.data.train in test.conf has no value")]
    [InlineData("job { model = mlp, data { kind = text } }", "job.data.path is missing in test.conf; add it")]
    [InlineData("job { model = mlp, data { kind = text, path = x, length = 0 } }", "job.data.length in test.conf must be a whole number within 1 … 1048576")]
    [InlineData("job { model = mlp, data { kind = text, path = x, tokens = words } }", "It can be characters | bytes")]
    [InlineData("job { model = mlp, data { kind = text, path = \"a\\u0000b\" } }", "is no path")]
    [InlineData("job { model = mlp, data { kind = idx } }", "job.data.train-images is missing in test.conf; add it")]
    public void Refuses_what_is_no_job_file(string text, string sentence) => Assert.Contains(sentence, Refused(text));

    [Theory]
    [InlineData("seed=8", "did you mean job.seed?")]
    [InlineData("job.sed=8", "job.sed in --set job.sed is unknown; did you mean job.seed?")]
    [InlineData("job.seed", "'job.seed' sets nothing; write PATH=VALUE")]
    [InlineData("=8", "sets nothing")]
    [InlineData("job..seed=8", "sets nothing")]
    [InlineData("job.seed=", "job.seed in --set job.seed has no value")]
    [InlineData("job.seed=8 } job { epochs = 2", "not '8 } job { epochs = 2'")]
    public void Refuses_sets_it_does_not_know(string set, string sentence) => Assert.Contains(sentence, Refused(Minimal, set));

    [Theory]
    [InlineData("job { model = lenet, data { kind = digits }, seed = 9 }")]
    [InlineData("job { data { kind = digits } , seed = 9 , model { name = lenet }, }")]
    [InlineData("job { data = { kind = digits }, model = { name = lenet } # }, {\n , seed = 9 }, ")]
    [InlineData("job : { data : { kind : digits }, \"model\" : \"lenet\", \"seed\" : 9 }")]
    [InlineData("job.seed = 9, job { data { kind = digits }, model = lenet }")]
    public void Takes_commas_wherever_HOCON_does(string text) => Assert.Equal(Parse(Minimal) with { Seed = 9 }, Parse(text));

    [Fact]
    public void A_reference_to_nothing_does_not_take_the_process_down() =>
        Assert.Contains("refers to nothing", Refused("job { model = lenet, data { kind = digits } }\nsinga { a = ${?nothing}, b = 2 }"));

    [Fact]
    public void A_missing_job_file_is_named()
    {
        var refusal = Assert.Throws<JobRefusedException>(() => JobFile.Read(folder["no.conf"]));
        Assert.Contains($"there is no job file {folder["no.conf"]}", refusal.Message);
    }

    private TrainingJob Parse(string text, params string[] sets) => JobFile.Parse(text, "test.conf", folder.Path, sets).Job;

    private string Refused(string text, params string[] sets) => Assert.Throws<JobRefusedException>(() => Parse(text, sets)).Message;
}
