using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Losses of class numbers: scores [n, classes, d…], labels [n, d…].</summary>
internal static class LossOperators
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("NegativeLogLikelihoodLoss", 12, c => c.Out(Loss(c, c.X()))),
        new("SoftmaxCrossEntropyLoss", 12, c =>
        {
            var logs = c.X().LogSoftmax(1);
            return [c.Out(Loss(c, logs)), c.Out(logs)];
        }),
    ];

    private static Tensor Loss(OnnxCall c, Tensor logs)
    {
        var labels = c.X(1);
        if (logs.Shape.Rank < 2 || labels.Shape != logs.Shape.RemoveAt(1))
            throw new OnnxException($"labels {labels.Shape} for scores {logs.Shape}");
        int classes = checked((int)logs.Shape[1]);
        var apart = labels.Convert(DType.Int32).Reshape(Shape.Of([labels.Shape[0], 1, .. labels.Shape.Skip(1)]));
        var picked = Pointwise.Apply("Pick", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], 0), apart, Movement.Along(Composites.Iota(classes), 1, logs.Shape.Rank), logs).Sum(1);
        var weights = c.Has(2)
            ? Pointwise.Apply("Pick", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], 0), apart, Movement.Along(Composites.Iota(classes), 1, logs.Shape.Rank), Movement.Along(c.X(2), 1, logs.Shape.Rank)).Sum(1)
            : Fill.Create(logs.DType, labels.Shape, 1);
        if (c.HasAttribute("ignore_index"))
            weights = Pointwise.Apply("Counted", a => Fn.Select(Fn.Equal(a[0], (double)c.Int("ignore_index")), 0, a[1]), labels, weights);
        var losses = Pointwise.Apply("WeightedLoss", a => Fn.Select(Fn.Equal(a[1], 0), 0, -a[0] * a[1]), picked, weights);
        return c.Text("reduction", "mean") switch
        {
            "none" => losses,
            "sum" => losses.SumAll(),
            _ => losses.SumAll() / weights.SumAll(),
        };
    }
}
