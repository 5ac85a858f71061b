using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Jobs;

/// <summary>A job as bytes and text: the whole of it, and nothing that is not itself.</summary>
public sealed class JobFormTests
{
    private static readonly DataDescription Clouds = DataLoader.Describe(TinyJob.Clouds());

    private static readonly TrainingJob Tiny = TinyJob.Create() with { Data = new HostData("clouds") };

    [Fact]
    public void Equal_jobs_are_equal_forms_and_a_form_read_and_written_again_is_the_same()
    {
        var form = JobForm.Write(Tiny, Clouds);
        Assert.Matches("^sha256:[0-9a-f]{64}$", form.Id);
        Assert.Equal(form.Id, JobForm.Write(TinyJob.Create() with { Data = new HostData("clouds") }, Clouds).Id);
        Assert.NotEqual(form.Id, JobForm.Write(Tiny with { Seed = 8 }, Clouds).Id);
        Assert.NotEqual(form.Id, JobForm.Write(Tiny with { Epochs = 4 }, Clouds).Id);

        var again = JobForm.Write(JobForm.Of(form.Model.ToArray(), form.Settings).Read(), Clouds);
        Assert.Equal(form.Settings, again.Settings);
        Assert.True(form.Model.Span.SequenceEqual(again.Model.Span));
    }

    public static TheoryData<TrainingJob> Recipes() =>
    [
        Tiny with { Name = "a \"name\"\n with = { all } of \\ it, # // ä", Frozen = ["0.*", "a b"], TopK = 2, EvaluateEvery = 7, MemoryBudget = 123_456_789, IsStrict = true, IsHalfStored = true, BucketBytes = 65_536, Shards = 3, MaxSteps = long.MaxValue },
        Tiny with { Seed = ulong.MaxValue, EarlyStopping = new EarlyStopping { Patience = 2, MinDelta = 1e-7, RestoreBest = false } },
        Tiny with { Loss = new SoftmaxCrossEntropy { LabelSmoothing = 0.1, IgnoreIndex = -100 } },
        Tiny with { Loss = new Huber { Delta = 0.3, ReconstructsInput = true } },
        Tiny with { Loss = new KullbackLeibler { ReconstructsInput = true } },
        Tiny with { Loss = new BinaryCrossEntropy() },
        Tiny with { Optimizer = new Sgd { LearningRate = 1.0 / 3, Momentum = 0.9, Dampening = 0.1, WeightDecay = 1e-4, Schedule = new StepSchedule(3) { Gamma = 0.5 } } },
        Tiny with { Optimizer = new Sgd { Nesterov = true, Momentum = 0.5, ClipValue = 2, Schedule = new WarmUpSchedule(5, new ExponentialSchedule(0.99)) } },
        Tiny with { Optimizer = new Adam { Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-7, NoDecay = ["*.bias"], ClipNorm = 1.5 } },
        Tiny with { Optimizer = new AdamW { WeightDecay = 0.1, Schedule = new CosineSchedule { To = 0.01 } } },
        Tiny with { Optimizer = new RmsProp { Alpha = 0.9, Centered = true, Momentum = 0.1, Epsilon = 1e-6 } },
        Tiny with { Optimizer = new AdaGrad { RateDecay = 1e-3, Epsilon = 1e-9 } },
        Tiny with { Data = new IdxData { TrainImages = "/a b/ä", TrainLabels = "/c", TestImages = "/d", TestLabels = "/e", Classes = 7 } },
        Tiny with { Data = new DigitsData { Train = 3, Test = 0, Seed = 4 } },
        Tiny with { Data = new CifarData { Train = ["/a", "/b"], Test = ["/c"], Classes = 100, Coarse = true, Augmentation = new Augmentation { CropPadding = 4, Flip = true } } },
        Tiny with { Data = new ImageData { Train = "/a", TestFraction = 0.3, Seed = 1, Size = 20, Resize = 24, Channels = 1, Augmentation = new Augmentation { Crop = true } } },
        Tiny with
        {
            Data = new CsvData
            {
                Train = "/a", Test = "/b", Header = true, Delimiter = '\t', Label = "x, y", Target = TableTarget.Number, Numeric = ["a"], Categorical = ["b", "c"], Ignore = ["#1"], Standardise = false,
            },
        },
        Tiny with { Data = new CsvData { Train = "/a", Delimiter = ';' } },
        Tiny with { Data = new TextData { Path = "/a", Tokens = TextTokens.Bytes, Length = 9 } },
    ];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Every_setting_comes_back(TrainingJob job)
    {
        var read = JobForm.Write(job, Clouds).Read();
        Assert.Equal(job, read with { Model = job.Model });
    }

    public static TheoryData<string, TrainingJob> Refused() => new()
    {
        { "the optimizer Mine lives in code, which does not travel with the job; use one of sgd", Tiny with { Optimizer = new Mine() } },
        { "the schedule Steep lives in code", Tiny with { Optimizer = new Sgd { Schedule = new Steep() } } },
        { "the loss Distance lives in code", Tiny with { Loss = new Distance() } },
        { "data of kind Elsewhere lives in code", Tiny with { Data = new Elsewhere() } },
        { "layer own: Odd has no form in ONNX", Tiny with { Model = new Sequential(new Linear(3), new Strange(x => new Node(new Odd(), [x]).Output) { Name = "own" }) } },
        { "layer own: Fill holds a number that depends on the number of samples", Tiny with { Model = new Sequential(new Strange(x => x * Math.Sqrt(x.Shape[0])) { Name = "own" }, new Linear(3)) } },
        { "layer own: Constant is another one for another number of samples", Tiny with { Model = new Sequential(new Strange(x => x + Composites.Iota((int)x.Shape[0]).Convert(DType.Float32).Reshape(Shape.Of(x.Shape[0], 1))) { Name = "own" }, new Linear(3)) } },
        {
            "is put together in another way for another number of samples",
            Tiny with { Model = new Sequential(new Strange(x => Enumerable.Range(0, (int)x.Shape[0]).Aggregate(x, (y, _) => y.Exp())) { Name = "own" }, new Linear(3)) }
        },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_lives_in_code_is_refused_by_name(string sentence, TrainingJob job) =>
        Assert.Contains(sentence, Assert.Throws<JobRefusedException>(() => JobForm.Write(job, Clouds)).Message);

    [Theory]
    [InlineData("name = x")]
    [InlineData("name = x, job { model = mlp, data { kind = host, id = a } }")]
    [InlineData("name = x, job { data { kind = host } }")]
    [InlineData("name = x, job { data { kind = host, id = a }, sed = 1 }")]
    [InlineData("name = x, job { data { kind = host, id = a }")]
    public void Settings_that_are_no_job_are_refused(string settings) =>
        Assert.Throws<JobRefusedException>(() => JobForm.Of(JobForm.Write(Tiny, Clouds).Model, settings).Read());

    [Fact]
    public void Bytes_that_are_no_model_are_refused() =>
        Assert.Throws<JobRefusedException>(() => JobForm.Of(new byte[] { 1, 2, 3 }, JobForm.Write(Tiny, Clouds).Settings).Read());

    private sealed record Mine : Optimizer
    {
        public override System.Collections.Immutable.ImmutableArray<string> StateNames => [];

        public override Updated Update(Tensor parameter, Tensor gradient, System.Collections.Immutable.ImmutableArray<Tensor> state, StepScalars step, double weightDecay) => new(parameter, []);
    }

    private sealed record Steep : Schedule
    {
        public override Tensor Factor(Tensor step, long totalSteps) => step;
    }

    private sealed record Distance : Loss
    {
        public override Tensor PerSample(Tensor output, Tensor target) => output;
    }

    private sealed record Elsewhere : DataSpec;

    private sealed record Odd : Op
    {
        public override string Name => "Odd";

        public override System.Collections.Immutable.ImmutableArray<TensorType> Infer(System.Collections.Immutable.ImmutableArray<TensorType> inputs) => inputs;
    }

    private sealed record Strange(Func<Tensor, Tensor> Make) : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context) => Make(input);
    }
}
