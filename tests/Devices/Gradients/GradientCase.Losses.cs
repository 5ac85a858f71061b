using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>
/// Losses. The test weights each sample's value by a number of its own, so a loss that ignored its upstream gradient, as SINGA's softmax
/// cross-entropy does, would fail every case.
/// </summary>
public sealed partial record GradientCase
{
    private static IEnumerable<GradientCase> Losses()
    {
        GradientCase Of(Loss loss, string what, Shape output, Func<Tensor> target) => new($"{LossCatalog.NameOf(loss)} {what}", t => loss.PerSample(t[0], target()), [output]);

        (Shape Output, Shape Target)[] classes = [(S(1, 1), S(1)), (S(4, 3), S(4)), (S(2, 3, 5), S(2, 3)), (S(2, 2, 3, 4), S(2, 2, 3))];
        foreach (var (output, target) in classes)
        {
            Tensor Numbers() => Labels(target, (int)output[^1]);
            yield return Of(new SoftmaxCrossEntropy(), "of numbers", output, Numbers);
            yield return Of(new SoftmaxCrossEntropy { LabelSmoothing = 0.1 }, "of numbers, smoothed", output, Numbers);
            yield return Of(new SoftmaxCrossEntropy { IgnoreIndex = 1 }, "with an ignored class", output, Numbers);
            yield return Of(new SoftmaxCrossEntropy { IgnoreIndex = 0, LabelSmoothing = 0.2 }, "with an ignored class, smoothed", output, Numbers);
            yield return Of(new SoftmaxCrossEntropy(), "of probabilities", output, () => Probabilities(output));
            yield return Of(new SoftmaxCrossEntropy { LabelSmoothing = 0.1 }, "of probabilities, smoothed", output, () => Probabilities(output));
            yield return Of(new KullbackLeibler(), "", output, () => Probabilities(output));
        }

        foreach (var shape in new[] { S(5), S(4, 3), S(2, 3, 4), S(3, 1) })
        {
            yield return Of(new BinaryCrossEntropy(), "", shape, () => Values(shape, 0, 1));
            yield return Of(new BinaryCrossEntropy(), "of zeros and ones", shape, () => Labels(shape, 2));
            yield return Of(new MeanSquaredError(), "", shape, () => Values(shape, -1, 1));
            yield return Of(new MeanAbsoluteError(), "", shape, () => Values(shape, -1, 1));
            yield return Of(new Huber(), "", shape, () => Values(shape, -1, 1));
            yield return Of(new Huber { Delta = 0.3 }, "with a short delta", shape, () => Values(shape, -1, 1));
        }

        // Targets may be a model's outcome too.
        yield return new("mse to another output", t => new MeanSquaredError().PerSample(t[0], t[1]), [S(3, 4), S(3, 4)]);
        yield return new("binary-cross-entropy to another output", t => new BinaryCrossEntropy().PerSample(t[0], t[1]), [S(3, 4), S(3, 4)], 0.1, 0.9);
        yield return new("kl to another output", t => new KullbackLeibler().PerSample(t[0], t[1].Softmax()), [S(3, 4), S(3, 4)]);
    }

    private static Tensor Labels(Shape shape, int classes) =>
        Constant.Create<int>(Enumerable.Range(0, (int)shape.Count).Select(i => (i * 7 + i / 3) % classes).ToArray(), shape);

    private static Tensor Values(Shape shape, double low, double high) => Constant.Create<double>(
        Enumerable.Range(0, (int)shape.Count).Select(i => low + (high - low) * (i * 37 % 101 / 101.0)).ToArray(), shape);

    private static Tensor Probabilities(Shape shape)
    {
        var values = Enumerable.Range(0, (int)shape.Count).Select(i => i % 4 == 3 ? 0 : 0.1 + i * 37 % 101 / 101.0).ToArray();
        int classes = (int)shape[^1];
        return Constant.Create<double>(values.Select((v, i) => v / values.Skip(i / classes * classes).Take(classes).Sum()).ToArray(), shape);
    }
}
