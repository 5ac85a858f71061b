using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>Losses, optimizers and schedules as a job's settings say them. What a kind does not know is refused by name.</summary>
internal static class RecipeReader
{
    private const double Unlimited = double.PositiveInfinity;

    private static readonly string[] Common = ["kind", "learning-rate", "weight-decay", "no-decay", "clip-norm", "clip-value", "schedule"];

    /// <param name="isDefault">The job says nothing of its loss.</param>
    /// <param name="givesInputBack">What the model gives is to be like its input, not like a label, unless the job says otherwise.</param>
    public static Loss Loss(Setting loss, bool isDefault, bool givesInputBack)
    {
        if (isDefault && givesInputBack)
            return new MeanSquaredError { ReconstructsInput = true };
        string name = (loss.IsObject ? loss["name"] : loss).OneOf(LossCatalog.Names);
        var plain = LossCatalog.Create(name);
        if (givesInputBack && plain is not ElementwiseLoss)
            throw loss.Refused($"is '{name}', which does not compare values one by one; for a model that gives its input back it can be "
                + string.Join(" | ", LossCatalog.Names.Where(n => LossCatalog.Create(n) is ElementwiseLoss)));
        if (!loss.IsObject)
            return plain with { ReconstructsInput = givesInputBack };
        loss.Only(["name", "target", .. plain switch { SoftmaxCrossEntropy => new[] { "label-smoothing", "ignore-index" }, Huber => ["delta"], _ => [] }]);
        bool reconstructs = loss.Find("target") is { } target ? target.OneOf(["label", "input"]) == "input" : givesInputBack;
        return plain switch
        {
            SoftmaxCrossEntropy softmax => softmax with
            {
                LabelSmoothing = loss.Find("label-smoothing")?.Number(0, 1) ?? softmax.LabelSmoothing,
                IgnoreIndex = (int?)loss.Find("ignore-index")?.Whole(int.MinValue, int.MaxValue),
                ReconstructsInput = reconstructs,
            },
            Huber huber => huber with { Delta = loss.Find("delta")?.Number(double.Epsilon, Unlimited) ?? huber.Delta, ReconstructsInput = reconstructs },
            _ => plain with { ReconstructsInput = reconstructs },
        };
    }

    public static Optimizer Optimizer(Setting optimizer)
    {
        string kind = optimizer["kind"].OneOf(["sgd", "adam", "adamw", "rmsprop", "adagrad"]);
        optimizer.Only([.. Common, .. kind switch
        {
            "sgd" => new[] { "momentum", "nesterov", "dampening" },
            "adam" or "adamw" => ["beta1", "beta2", "epsilon"],
            "rmsprop" => ["alpha", "epsilon", "centered", "momentum"],
            _ => ["epsilon", "rate-decay"],
        }]);
        double? Fraction(string key) => optimizer.Find(key)?.Number(0, 1);
        double? Epsilon() => optimizer.Find("epsilon")?.Number(0, Unlimited);
        Optimizer chosen = kind switch
        {
            "sgd" => new Sgd { Momentum = optimizer["momentum"].Number(0, 1), Nesterov = optimizer["nesterov"].Flag(), Dampening = Fraction("dampening") ?? 0 },
            "adam" => Adaptive(new Adam()),
            "adamw" => Adaptive(new AdamW()),
            "rmsprop" => RootMeanSquare(new RmsProp()),
            _ => Accumulating(new AdaGrad()),
        };
        return chosen with
        {
            LearningRate = optimizer["learning-rate"].Number(0, Unlimited),
            WeightDecay = optimizer["weight-decay"].Number(0, Unlimited),
            NoDecay = optimizer.Find("no-decay") is { } patterns ? [.. patterns.Elements] : [],
            ClipNorm = optimizer.Find("clip-norm")?.Number(0, Unlimited) ?? 0,
            ClipValue = optimizer.Find("clip-value")?.Number(0, Unlimited) ?? 0,
            Schedule = Schedule(optimizer["schedule"]),
        };

        RmsProp RootMeanSquare(RmsProp plain) => plain with
        {
            Alpha = Fraction("alpha") ?? plain.Alpha, Epsilon = Epsilon() ?? plain.Epsilon,
            Centered = optimizer.Find("centered")?.Flag() ?? plain.Centered, Momentum = optimizer["momentum"].Number(0, 1),
        };

        AdaGrad Accumulating(AdaGrad plain) => plain with
        {
            Epsilon = Epsilon() ?? plain.Epsilon, RateDecay = optimizer.Find("rate-decay")?.Number(0, Unlimited) ?? plain.RateDecay,
        };

        AdaptiveMoments Adaptive(AdaptiveMoments moments) => moments with
        {
            Beta1 = Fraction("beta1") ?? moments.Beta1, Beta2 = Fraction("beta2") ?? moments.Beta2, Epsilon = Epsilon() ?? moments.Epsilon,
        };
    }

    private static Schedule Schedule(Setting schedule)
    {
        string kind = schedule["kind"].OneOf(["constant", "cosine", "step", "exponential"]);
        schedule.Only(["kind", "warm-up", .. kind switch { "cosine" => new[] { "to" }, "step" => ["every", "gamma"], "exponential" => ["gamma"], _ => [] }]);
        Schedule chosen = kind switch
        {
            "cosine" => new CosineSchedule { To = schedule.Find("to")?.Number(0, 1) ?? 0 },
            "step" => new StepSchedule(schedule["every"].Whole(1, long.MaxValue)) { Gamma = schedule.Find("gamma")?.Number(0, 1) ?? 0.1 },
            "exponential" => new ExponentialSchedule(schedule["gamma"].Number(0, 1)),
            _ => new ConstantSchedule(),
        };
        return schedule.Find("warm-up")?.Whole(0, long.MaxValue) is > 0 and var steps ? new WarmUpSchedule(steps, chosen) : chosen;
    }
}
