using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Losses;

/// <summary>Losses against numbers worked out by hand. Their gradients are among the gradient cases.</summary>
public sealed class LossTests
{
    private static readonly double Ln2 = Math.Log(2), Ln7 = Math.Log(7);

    // Softmax of these: 1/7, 2/7, 4/7 and 1/2, 1/4, 1/4.
    private static readonly double[] Logits = [0, Math.Log(2), Math.Log(4), Math.Log(2), 0, 0];

    [Fact]
    public void Softmax_cross_entropy_of_class_numbers() =>
        Close([Ln7 - 2 * Ln2, 2 * Ln2], PerSample(new SoftmaxCrossEntropy(), Logits, [2, 3], [2, 1]));

    [Fact]
    public void One_hot_targets_are_class_numbers() =>
        Close([Ln7 - 2 * Ln2, 2 * Ln2], PerSample(new SoftmaxCrossEntropy(), Logits, [2, 3], [0d, 0, 1, 0, 1, 0]));

    [Fact]
    public void Soft_targets_weigh_each_class_where_SINGA_does_not() =>
        Close([Ln7 - (0.3 + 0.4) * Ln2, 2 * Ln2 - 0.2 * Ln2], PerSample(new SoftmaxCrossEntropy(), Logits, [2, 3], [0.5, 0.3, 0.2, 0.2, 0.2, 0.6]));

    [Fact]
    public void Gradient_of_soft_targets_is_softmax_less_target_where_SINGA_has_another() => Close(
        [1 / 7.0 - 0.5, 2 / 7.0 - 0.3, 4 / 7.0 - 0.2, 0.5 - 0.2, 0.25 - 0.2, 0.25 - 0.6],
        Gradient(new SoftmaxCrossEntropy(), Logits, [2, 3], Target(new[] { 0.5, 0.3, 0.2, 0.2, 0.2, 0.6 }, [2, 3]), [1, 1]));

    [Fact]
    public void Gradient_is_times_the_upstream_one_where_SINGA_ignores_it() => Close(
        [3 / 7.0, 6 / 7.0, 12 / 7.0 - 3, -0.5 * 0.5, -0.5 * (0.25 - 1), -0.5 * 0.25],
        Gradient(new SoftmaxCrossEntropy(), Logits, [2, 3], Target(new[] { 2, 1 }, [2]), [3, -0.5]));

    [Fact]
    public void Smoothing_spreads_a_part_of_each_target_evenly()
    {
        // 0.7 + 0.1, 0.1, 0.1 of the logarithms.
        Close([Ln7 - 0.8 * 2 * Ln2 - 0.1 * Ln2], PerSample(new SoftmaxCrossEntropy { LabelSmoothing = 0.3 }, Logits[..3], [1, 3], [2]));
        Close([Ln7 - 0.8 * 2 * Ln2 - 0.1 * Ln2], PerSample(new SoftmaxCrossEntropy { LabelSmoothing = 0.3 }, Logits[..3], [1, 3], [0d, 0, 1]));
    }

    [Fact]
    public void A_sample_of_several_positions_counts_their_mean() =>
        Close([(Ln7 - 2 * Ln2 + 2 * Ln2) / 2], PerSample(new SoftmaxCrossEntropy(), Logits, [1, 2, 3], Target(new[] { 2, 1 }, [1, 2])));

    [Fact]
    public void Ignored_positions_count_nothing_and_the_mean_is_over_the_others()
    {
        var loss = new SoftmaxCrossEntropy { IgnoreIndex = 2 };
        double[] logits = [.. Logits, .. Logits];
        Close([2 * Ln2, (Ln7 + Ln2) / 2], PerSample(loss, logits, [2, 2, 3], Target(new[] { 2, 1, 0, 0 }, [2, 2])));
        Close([0, Ln7], PerSample(loss, [.. Logits[..3], .. Logits[..3]], [2, 3], [2, 0]));
        Close([0], PerSample(loss, Logits, [1, 2, 3], Target(new[] { 2, 2 }, [1, 2])));
        Close([0, 0, 0, 1 / 7.0 - 1, 2 / 7.0, 4 / 7.0], Gradient(loss, [.. Logits[3..], .. Logits[..3]], [2, 3], Target(new[] { 2, 0 }, [2]), [1, 1]));
    }

    [Fact]
    public void Ignored_positions_are_neither_right_nor_wrong() =>
        Close([0.5, 1, 0], Correct(new SoftmaxCrossEntropy { IgnoreIndex = 1 }, [.. Logits, .. Logits, .. Logits], [3, 2, 3],
            Target(new[] { 2, 2, 2, 1, 1, 1 }, [3, 2])));

    [Fact]
    public void Of_equal_answers_the_first_counts() =>
        Close([1, 0, 1], Correct(new SoftmaxCrossEntropy(), [5, 5, 1, 5, 5, 1, 0, 3, 2], [3, 3], Target(new[] { 0, 1, 1 }, [3])));

    [Fact]
    public void Among_the_most_likely_equal_ones_count_in_order_and_what_is_no_number_never()
    {
        double[] logits = [1, 4, 3, 2, 5, 5, 5, 0, double.NaN, 1, 0, 0];
        Tensor Numbers(params int[] classes) => Target(classes, [3]);
        Close([1, 1, 0], Among(new SoftmaxCrossEntropy(), logits, [3, 4], Numbers(2, 1, 0), 2));
        Close([0, 0, 0], Among(new SoftmaxCrossEntropy(), logits, [3, 4], Numbers(3, 2, 0), 2));
        Close([1, 1, 0], Among(new SoftmaxCrossEntropy(), logits, [3, 4], Numbers(3, 2, 0), 3));
        Close([1, 0, 0], Among(new SoftmaxCrossEntropy(), logits, [3, 4], Target(new[] { 0d, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0 }, [3, 4]), 2));
        Close([0.5, 1], Among(new SoftmaxCrossEntropy { IgnoreIndex = 3 }, [.. logits[..8], .. logits[..8]], [2, 2, 4], Target(new[] { 2, 2, 3, 1 }, [2, 2]), 2));
        Assert.Contains("top-k is 4", Assert.Throws<GraphException>(() => Among(new SoftmaxCrossEntropy(), logits, [3, 4], Numbers(1, 1, 1), 4)).Message);
        Assert.Null(new MeanSquaredError().Among(GraphRunner.Input(0, Shape.Of(2)), GraphRunner.Input(1, Shape.Of(2)), 2));
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        var single = Run(x => new SoftmaxCrossEntropy().PerSample(x.Convert(DType.Float32), Target(new[] { 1, 0 }, [2])), [1e4, -1e4, 3e38, 3e38], [2, 2]);
        Close([2e4, Ln2], single, 1e-6);
        Close([1e4, 0, 1e4], Run(x => new BinaryCrossEntropy().PerSample(x.Convert(DType.Float32), Target(new[] { 0, 1, 1 }, [3])), [1e4, 1e4, -1e4], [3]), 1e-6);
    }

    [Fact]
    public void Binary_cross_entropy_takes_logits_where_SINGA_raises()
    {
        // σ(ln 3) = ¾.
        double[] logits = [Math.Log(3), 0, -Math.Log(3), Math.Log(3)];
        Close([Math.Log(4) - 0.5 * Math.Log(3), Ln2, Math.Log(4) - Math.Log(3), Math.Log(4)], PerSample(new BinaryCrossEntropy(), logits, [4], [0.5, 0.2, 0, 0]));
        Close([0.25, 0.3, 0.25, 0.75], Gradient(new BinaryCrossEntropy(), logits, [4], Target(new[] { 0.5, 0.2, 0, 0 }, [4]), [1, 1, 1, 1]));
        Close([1, 0, 1, 0], Correct(new BinaryCrossEntropy(), logits, [4], Target(new[] { 1, 1, 0, 0 }, [4])));
    }

    [Fact]
    public void Binary_cross_entropy_and_its_gradient_of_a_logit_of_zero()
    {
        Close([Ln2], PerSample(new BinaryCrossEntropy(), [0], [1], [1]));
        Close([-0.5], Gradient(new BinaryCrossEntropy(), [0], [1], Target(new[] { 1d }, [1]), [1]));
    }

    [Fact]
    public void Errors_are_means_over_a_samples_values()
    {
        double[] outputs = [1, -2, 0.5, 4], targets = [1.5, 1, 0.5, 0];
        Close([(0.25 + 9) / 2, 16 / 2.0], PerSample(new MeanSquaredError(), outputs, [2, 2], targets));
        Close([(0.5 + 3) / 2, 4 / 2.0], PerSample(new MeanAbsoluteError(), outputs, [2, 2], targets));
        Close([(0.125 + 2.5) / 2, 3.5 / 2], PerSample(new Huber(), outputs, [2, 2], targets));
        Close([(0.125 + 2 * 2) / 2, 2 * 3 / 2.0], PerSample(new Huber { Delta = 2 }, outputs, [2, 2], targets));
        // The distance, held within ±Delta, of two values a sample.
        Close([-0.25, -0.5, 0, 0.5], Gradient(new Huber(), outputs, [2, 2], Target(targets, [2, 2]), [1, 1]));
    }

    [Fact]
    public void One_output_a_sample_meets_labels_without_that_axis() =>
        Close([1, 4], Run(x => new MeanSquaredError().PerSample(x, Target(new[] { 1, 0 }, [2])), [2, 2], [2, 1]));

    [Fact]
    public void Divergence_is_zero_where_the_distributions_agree_and_takes_a_probability_of_zero()
    {
        Close([0, 0.5 * Math.Log(2)], PerSample(new KullbackLeibler(), Logits, [2, 3], [1 / 7.0, 2 / 7.0, 4 / 7.0, 0.5, 0.5, 0]));
        Close([0.5 - 1, 0.25, 0.25], Gradient(new KullbackLeibler(), Logits[3..], [1, 3], Target(new[] { 1d, 0, 0 }, [1, 3]), [1]));
    }

    [Theory]
    [InlineData("mse", "mse takes as many target values as the model gives, not float64[2] for float64[2, 3]")]
    [InlineData("kl", "kl takes the model's output [n, …, classes] and probabilities of the same shape")]
    [InlineData("softmax-cross-entropy", "softmax cross-entropy takes the model's output [n, …, classes] and either int32 class numbers")]
    public void Targets_that_do_not_fit_are_refused(string name, string sentence)
    {
        var error = Assert.Throws<GraphException>(() => PerSample(LossCatalog.Create(name), Logits, [2, 3], [1d, 2]));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void Every_loss_of_the_catalog_has_its_name() => Assert.All(LossCatalog.Names, n => Assert.Equal(n, LossCatalog.NameOf(LossCatalog.Create(n))));

    private static double[] PerSample(Loss loss, double[] outputs, long[] shape, int[] targets) => PerSample(loss, outputs, shape, Target(targets, [targets.Length]));

    private static double[] PerSample(Loss loss, double[] outputs, long[] shape, double[] targets) =>
        PerSample(loss, outputs, shape, Target(targets, targets.Length == outputs.Length ? shape : [targets.Length]));

    private static double[] PerSample(Loss loss, double[] outputs, long[] shape, Tensor target) => Run(x => loss.PerSample(x, target), outputs, shape);

    private static double[] Correct(Loss loss, double[] outputs, long[] shape, Tensor target) => Run(x => loss.Correct(x, target)!, outputs, shape);

    private static double[] Among(Loss loss, double[] outputs, long[] shape, Tensor target, int k) => Run(x => loss.Among(x, target, k)!, outputs, shape);

    private static double[] Gradient(Loss loss, double[] outputs, long[] shape, Tensor target, double[] upstream) =>
        Run(x => Graph.Gradients.Of((loss.PerSample(x, target) * Target(upstream, [upstream.Length])).SumAll(), [x])[0], outputs, shape);

    private static double[] Run(Func<Tensor, Tensor> build, double[] outputs, long[] shape)
    {
        var input = GraphRunner.Input(0, Shape.Of(shape));
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [input], [build(input).Convert(DType.Float64)]);
        return runner.Run(outputs)[0];
    }

    private static Tensor Target<T>(T[] values, long[] shape) where T : unmanaged => Constant.Create<T>(values, Shape.Of(shape));

    private static void Close(double[] expected, double[] actual, double tolerance = 1e-12)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.True(Math.Abs(p.First - p.Second) <= tolerance * Math.Max(1, Math.Abs(p.First)), $"{p.Second} for {p.First}"));
    }
}
