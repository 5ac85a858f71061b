using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>A job's settings as HOCON, all of them, defaults too: what <see cref="JobReader"/> reads. What lives in code is refused by name.</summary>
internal sealed class JobWriter
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder text = new();
    private int depth;

    public static string Write(TrainingJob job)
    {
        var writer = new JobWriter();
        writer.Set("name", job.Name);
        writer.Object("job", () => writer.Job(job));
        return writer.text.ToString();
    }

    public void Set(string key, string value) => Line($"{key} = {Quoted(value)}");

    public void Set(string key, IEnumerable<string> values) => Line($"{key} = [{string.Join(", ", values.Select(Quoted))}]");

    public void Set(string key, bool value) => Line($"{key} = {(value ? "on" : "off")}");

    public void Set(string key, double value) => Line($"{key} = {value.ToString("R", CultureInfo.InvariantCulture)}");

    public void Set(string key, long value) => Line($"{key} = {value.ToString(CultureInfo.InvariantCulture)}");

    public void Set(string key, ulong value) => Line($"{key} = {value.ToString(CultureInfo.InvariantCulture)}");

    public void Object(string key, Action content)
    {
        Line($"{key} {{");
        depth++;
        content();
        depth--;
        Line("}");
    }

    private void Job(TrainingJob job)
    {
        Object("data", () => DataWriter.Write(job.Data, this));
        Object("loss", () => Loss(job.Loss));
        Object("optimizer", () => Optimizer(job.Optimizer));
        Set("batch-size", job.BatchSize);
        Set("epochs", job.Epochs);
        Set("max-steps", job.MaxSteps);
        if (job.Shards == 0)
            Set("shards", "auto");
        else
            Set("shards", job.Shards);
        Set("seed", job.Seed);
        Set("top-k", job.TopK);
        Set("evaluate-every", job.EvaluateEvery);
        Set("precision", job.IsStrict ? "strict" : "fast");
        Set("storage", job.IsHalfStored ? "bfloat16" : "float32");
        Set("bucket-size", job.BucketBytes);
        if (job.Frozen.Count > 0)
            Set("frozen", job.Frozen);
        if (job.MemoryBudget > 0)
            Set("memory-budget", job.MemoryBudget);
        if (job.EarlyStopping is { } stopping)
        {
            Object("early-stopping", () =>
            {
                Set("patience", stopping.Patience);
                Set("min-delta", stopping.MinDelta);
                Set("restore-best", stopping.RestoreBest);
            });
        }
    }

    private void Loss(Loss loss)
    {
        Set("name", LossCatalog.NameOf(loss) is var name && LossCatalog.Names.Contains(name) ? name : throw InCode("loss", loss, LossCatalog.Names));
        Set("target", loss.ReconstructsInput ? "input" : "label");
        if (loss is SoftmaxCrossEntropy softmax)
        {
            Set("label-smoothing", softmax.LabelSmoothing);
            if (softmax.IgnoreIndex is { } ignored)
                Set("ignore-index", ignored);
        }
        else if (loss is Huber huber)
        {
            Set("delta", huber.Delta);
        }
    }

    private void Optimizer(Optimizer optimizer)
    {
        switch (optimizer)
        {
            case Sgd sgd:
                Set("kind", "sgd");
                Set("momentum", sgd.Momentum);
                Set("dampening", sgd.Dampening);
                Set("nesterov", sgd.Nesterov);
                break;
            case AdaptiveMoments moments:
                Set("kind", moments is AdamW ? "adamw" : "adam");
                Set("beta1", moments.Beta1);
                Set("beta2", moments.Beta2);
                Set("epsilon", moments.Epsilon);
                break;
            case RmsProp rms:
                Set("kind", "rmsprop");
                Set("alpha", rms.Alpha);
                Set("epsilon", rms.Epsilon);
                Set("centered", rms.Centered);
                Set("momentum", rms.Momentum);
                break;
            case AdaGrad gradients:
                Set("kind", "adagrad");
                Set("epsilon", gradients.Epsilon);
                Set("rate-decay", gradients.RateDecay);
                break;
            default:
                throw InCode("optimizer", optimizer, ["sgd", "adam", "adamw", "rmsprop", "adagrad"]);
        }

        Set("learning-rate", optimizer.LearningRate);
        Set("weight-decay", optimizer.WeightDecay);
        if (optimizer.NoDecay.Count > 0)
            Set("no-decay", optimizer.NoDecay);
        Set("clip-norm", optimizer.ClipNorm);
        Set("clip-value", optimizer.ClipValue);
        Object("schedule", () => Schedule(optimizer.Schedule));
    }

    private void Schedule(Schedule schedule)
    {
        if (schedule is WarmUpSchedule warm)
        {
            if (warm.Then is WarmUpSchedule)
                throw new JobRefusedException("a schedule that warms up twice cannot be written down; let one warm-up do");
            Set("warm-up", warm.Steps);
            schedule = warm.Then;
        }

        switch (schedule)
        {
            case ConstantSchedule:
                Set("kind", "constant");
                break;
            case CosineSchedule cosine:
                Set("kind", "cosine");
                Set("to", cosine.To);
                break;
            case StepSchedule step:
                Set("kind", "step");
                Set("every", step.Every);
                Set("gamma", step.Gamma);
                break;
            case ExponentialSchedule exponential:
                Set("kind", "exponential");
                Set("gamma", exponential.Gamma);
                break;
            default:
                throw InCode("schedule", schedule, ["constant", "cosine", "step", "exponential"]);
        }
    }

    private static JobRefusedException InCode(string what, object thing, IEnumerable<string> names) =>
        new($"the {what} {thing.GetType().Name} lives in code, which does not travel with the job; use one of {string.Join(", ", names)}");

    private void Line(string line) => text.Append(' ', 2 * depth).Append(line).Append('\n');

    private static string Quoted(string value) => JsonSerializer.Serialize(value, Readable);
}
