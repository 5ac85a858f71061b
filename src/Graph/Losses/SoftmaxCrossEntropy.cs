using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Losses;

/// <summary>
/// −Σ target · log softmax(output) over the innermost axis: output [n, …, classes], targets either Int32 [n, …], the number of the right
/// class, or floating [n, …, classes], the probability of each. A sample's loss is the mean over its positions (the axes in between).
/// </summary>
public sealed record SoftmaxCrossEntropy : Loss
{
    /// <summary>This much of each target is spread evenly over all classes; 0 up to, not including, 1.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// Positions with this class number count nothing: a sample's loss (and its share of right answers) is the mean over its other
    /// positions, 0 where it has no other. It stays one sample of the batch in either case.
    /// </summary>
    public int? IgnoreIndex { get; init; }

    public override bool HasAccuracy => true;

    public override bool IsNegativeLogLikelihood => LabelSmoothing == 0;

    public override Tensor PerSample(Tensor output, Tensor target)
    {
        bool numbers = TakesNumbers(output, target);
        var (logits, sum) = Composites.LogSumExp(output);
        long classes = output.Shape[^1];
        // log softmax(x) = x − sum: with targets that add up to 1 the sum stands outside, and nobody needs the logarithms one by one.
        Tensor loss;
        if (numbers)
        {
            loss = sum - Picked(logits, target) * (1 - LabelSmoothing);
        }
        else
        {
            var t = target.Convert(output.DType);
            var mass = t.Sum(-1);
            loss = sum * (LabelSmoothing == 0 ? mass : mass * (1 - LabelSmoothing) + LabelSmoothing) - (t * logits).Sum(-1) * (1 - LabelSmoothing);
        }

        if (LabelSmoothing != 0)
            loss -= logits.Sum(-1) * (LabelSmoothing / classes);
        return MeanOfCounted(loss, target, numbers);
    }

    public override Tensor Correct(Tensor output, Tensor target)
    {
        bool numbers = TakesNumbers(output, target);
        var answer = First(output);
        var label = numbers ? target.Convert(DType.Int32) : First(target);
        var right = Pointwise.Apply("IsRight", a => Fn.Select(Fn.Equal(a[0], a[1]), Scalar.Literal(1, DType.Float32), 0), answer, label);
        return MeanOfCounted(right, target, numbers);
    }

    public override Tensor Among(Tensor output, Tensor target, int k)
    {
        bool numbers = TakesNumbers(output, target);
        if (k >= output.Shape[^1])
            throw new GraphException($"top-k is {k}, but among all of {output.Shape[^1]} classes every answer is right; take a smaller one");
        var label = numbers ? target : First(target).Convert(DType.Int32);
        Shape each = label.Shape.Append(1);
        // Of equal values the first comes first; what is not a number is behind nothing, so such an answer is wrong.
        var ahead = Pointwise.Apply("IsAhead", a => Fn.Select((a[0] < a[1]) | (Fn.Equal(a[0], a[1]) & (a[2] >= a[3])), 0, Scalar.Literal(1, DType.Float32)),
            output, Picked(output, label).Reshape(each), Composites.Iota((int)output.Shape[^1]), label.Reshape(each)).Sum(-1);
        var right = Pointwise.Apply("IsAmong", a => Fn.Select(a[0] < k, Scalar.Literal(1, DType.Float32), 0), ahead);
        return MeanOfCounted(right, target, numbers);
    }

    /// <summary>The value at each position's class: [n, …, classes] and [n, …] → [n, …].</summary>
    internal static Tensor Picked(Tensor values, Tensor numbers) => Pointwise.Apply("Pick", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], 0),
        Composites.Iota((int)values.Shape[^1]), numbers.Reshape(numbers.Shape.Append(1)), values).Sum(-1);

    /// <summary>Whether targets are class numbers; otherwise they are probabilities.</summary>
    internal static bool TakesNumbers(Tensor output, Tensor target)
    {
        if (output.Shape.Rank >= 2 && target.DType == DType.Int32 && target.Shape == output.Shape.RemoveAt(output.Shape.Rank - 1))
            return true;
        if (output.Shape.Rank >= 2 && target.DType.IsFloat() && target.Shape == output.Shape)
            return false;
        throw new GraphException($"softmax cross-entropy takes the model's output [n, …, classes] and either int32 class numbers [n, …] or "
            + $"probabilities [n, …, classes], not {output.Type} and {target.Type}");
    }

    // Of equal values the first is the answer.
    private static Tensor First(Tensor values)
    {
        int last = values.Shape.Rank - 1, classes = (int)values.Shape[last];
        return Pointwise.Apply("FirstBest", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], (double)classes),
            values, values.Max(last).Reshape(values.Shape.With(last, 1)), Composites.Iota(classes)).Min(last);
    }

    private Tensor MeanOfCounted(Tensor values, Tensor target, bool numbers)
    {
        if (IgnoreIndex is not { } ignored || !numbers)
            return MeanPerSample(values);
        var counts = Pointwise.Apply("Counts", a => Fn.Select(Fn.Equal(a[0], ignored), Scalar.Literal(0, values.DType), 1), target);
        int[] inner = [.. Enumerable.Range(1, values.Shape.Rank - 1)];
        var counted = Pointwise.Apply("Counted", a => Fn.Select(Fn.Equal(a[0], ignored), 0, a[1]), target, values);
        return inner.Length == 0 ? counted : Pointwise.Apply("MeanOfCounted", a => a[0] / Fn.Max(a[1], 1), counted.Sum(inner), counts.Sum(inner));
    }
}
