using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>An op at some shapes: what to build from the inputs, and where to draw their values from.</summary>
public sealed partial record GradientCase(string Name, Func<Tensor[], Tensor> Build, Shape[] Shapes, double Low = -2, double High = 2)
{
    public override string ToString() => $"{Name} {string.Join(" ", Shapes.Select(s => s.ToString()))}";

    public static IEnumerable<GradientCase> All() => Pointwises().Concat(Reductions()).Concat(Products()).Concat(Convolutions()).Concat(Movements()).Concat(Functions())
        .Concat(Pools()).Concat(Joints()).Concat(Losses()).Concat(Scans()).Concat(Attentions()).Concat(Normalisations()).Concat(Tensors());

    private static Shape S(params long[] dims) => Shape.Of(dims);

    private static IEnumerable<GradientCase> Pointwises()
    {
        Shape[] unary = [S(), S(1), S(7), S(3, 5), S(2, 1, 4), S(2, 3, 2, 2), S(17)];
        (Shape, Shape)[] binary = [(S(), S()), (S(5), S(5)), (S(3, 4), S(4)), (S(4), S(3, 4)), (S(3, 1), S(1, 4)), (S(2, 3, 4), S(3, 1)), (S(2, 3), S()), (S(1), S(6)), (S(2, 1, 3), S(4, 1))];
        foreach (var entry in PointwiseCatalog.Entries)
        {
            if (entry.Arity == 1)
            {
                foreach (var shape in unary)
                    yield return new(entry.Name, t => Pointwise.Apply(entry, t[0]), [shape], entry.Low, entry.High);
            }
            else
            {
                foreach (var (a, b) in binary)
                    yield return new(entry.Name, t => Pointwise.Apply(entry, t[0], t[1]), [a, b], entry.Low, entry.High);
                yield return new(entry.Name + " with itself", t => Pointwise.Apply(entry, t[0], t[0] * 0.5 + 0.25), [S(3, 3)], entry.Low, entry.High);
            }
        }
    }

    private static IEnumerable<GradientCase> Reductions()
    {
        (Shape Shape, int[] Axes)[] cases = [(S(5), [0]), (S(3, 4), [0]), (S(3, 4), [1]), (S(3, 4), [0, 1]), (S(2, 3, 4), [0, 2]), (S(2, 3, 4), [1]), (S(2, 2, 3, 3), [0, 2, 3]), (S(2, 35), [1]), (S(1, 4), [0]), (S(19, 2), [0])];
        foreach (var reduction in Enum.GetValues<Reduction>())
        {
            foreach (var (shape, axes) in cases)
                yield return new($"{reduction} over [{string.Join(",", axes)}]", t => Reduce.Apply(reduction, t[0], axes), [shape]);
        }
    }

    private static IEnumerable<GradientCase> Products()
    {
        GradientCase Of(string name, Seq<int> lb, Seq<int> rb, Seq<int> ls, Seq<int> rs, Shape a, Shape b) =>
            new($"Contract {name}", t => new Node(new Contract(lb, rb, ls, rs), [t[0], t[1]]).Output, [a, b]);
        yield return Of("nn", [], [], [1], [0], S(3, 4), S(4, 5));
        yield return Of("nt", [], [], [1], [1], S(3, 4), S(5, 4));
        yield return Of("tn", [], [], [0], [0], S(4, 3), S(4, 5));
        yield return Of("tt", [], [], [0], [1], S(4, 3), S(5, 4));
        yield return Of("dot", [], [], [0], [0], S(6), S(6));
        yield return Of("vector-matrix", [], [], [0], [0], S(4), S(4, 3));
        yield return Of("matrix-vector", [], [], [1], [0], S(4, 3), S(3));
        yield return Of("outer", [], [], [], [], S(3), S(4));
        yield return Of("batched", [0], [0], [2], [1], S(2, 3, 4), S(2, 4, 5));
        yield return Of("batched nt", [0], [0], [2], [2], S(2, 3, 4), S(2, 5, 4));
        yield return Of("batch in the middle", [1], [0], [2], [1], S(3, 2, 4), S(2, 4, 5));
        yield return Of("two batches", [0, 1], [0, 1], [3], [3], S(2, 2, 3, 4), S(2, 2, 5, 4));
        yield return Of("two sums", [], [], [1, 2], [0, 1], S(3, 2, 4), S(2, 4, 5));
        yield return Of("two sums crossed", [], [], [1, 2], [1, 0], S(3, 2, 4), S(4, 2, 5));
        yield return Of("rank 3 by 2", [], [], [2], [1], S(2, 3, 4), S(5, 4));
        yield return Of("batch only", [0], [0], [], [], S(3), S(3));
        yield return Of("one wide", [], [], [1], [1], S(1, 1), S(1, 1));
        yield return Of("long", [], [], [1], [0], S(2, 40), S(40, 2));
        yield return new("MatMul", t => t[0].MatMul(t[1]), [S(2, 3, 4), S(4, 2)]);
        yield return new("product of a tensor with itself", t => t[0].MatMul(t[0].Transpose(1, 0)), [S(3, 4)]);
    }

    private static IEnumerable<GradientCase> Convolutions()
    {
        (Shape Image, Shape Filter, int Stride, int Pad, int Dilation, int Groups)[] cases =
        [
            (S(2, 1, 5, 5), S(2, 1, 3, 3), 1, 0, 1, 1), (S(1, 2, 5, 6), S(3, 2, 3, 2), 1, 1, 1, 1), (S(2, 3, 6, 5), S(2, 3, 2, 3), 2, 1, 1, 1),
            (S(1, 2, 7, 7), S(2, 2, 3, 3), 2, 0, 1, 1), (S(1, 1, 7, 7), S(1, 1, 3, 3), 1, 2, 2, 1), (S(2, 4, 4, 4), S(4, 2, 3, 3), 1, 1, 1, 2),
            (S(1, 3, 4, 4), S(3, 1, 3, 3), 1, 1, 1, 3), (S(2, 2, 3, 3), S(4, 2, 1, 1), 1, 0, 1, 1), (S(1, 2, 8, 8), S(2, 2, 5, 5), 3, 2, 1, 1), (S(1, 1, 1, 6), S(2, 1, 1, 3), 1, 0, 1, 1),
        ];
        foreach (var (image, filter, stride, pad, dilation, groups) in cases)
        {
            yield return new($"Convolve stride {stride} pad {pad} dilation {dilation} groups {groups}",
                t => Convolve.Apply(t[0], t[1], (stride, stride), (pad, pad), (dilation, dilation), groups), [image, filter]);
            // The gradients of a convolution are convolutions; theirs must be right too.
            yield return new($"gradient of Convolve stride {stride} pad {pad} dilation {dilation} groups {groups}", t =>
            {
                var y = Convolve.Apply(t[0], t[1], (stride, stride), (pad, pad), (dilation, dilation), groups);
                var g = Graph.Gradients.Of((y * y).SumAll(), t);
                return g[0].SumAll() * 0.5 + (g[1] * g[1]).SumAll() * 0.1;
            }, [image, filter], -0.5, 0.5);
        }

        (Shape Image, int Kernel, int Stride, int Pad)[] pools = [(S(2, 2, 4, 4), 2, 2, 0), (S(1, 1, 5, 5), 3, 1, 1), (S(1, 2, 6, 6), 3, 2, 0), (S(1, 1, 7, 5), 2, 2, 0), (S(2, 1, 4, 6), 3, 2, 1)];
        foreach (var (image, kernel, stride, pad) in pools)
            yield return new($"MaxPool {kernel} stride {stride} pad {pad}", t => MaxPool.Apply(t[0], (kernel, kernel), (stride, stride), (pad, pad)), [image]);
    }

    private static IEnumerable<GradientCase> Movements()
    {
        yield return new("Reshape", t => t[0].Reshape(S(6, 2)), [S(3, 4)]);
        yield return new("Reshape of a transpose", t => t[0].Transpose(1, 0).Reshape(S(2, 6)), [S(3, 4)]);
        yield return new("Transpose", t => t[0].Transpose(2, 0, 1), [S(2, 3, 4)]);
        yield return new("Transpose there and back", t => t[0].Transpose(1, 0).Exp().Transpose(1, 0), [S(3, 4)]);
        yield return new("Broadcast", t => t[0].BroadcastTo(S(4, 3, 2)), [S(3, 1)]);
        yield return new("Broadcast of a scalar", t => t[0].BroadcastTo(S(2, 3)), [S()]);
        yield return new("Slice", t => t[0].Slice([1, 0], [2, 3], [1, 1]), [S(4, 3)]);
        yield return new("Slice with steps", t => t[0].Slice([0, 1], [2, 2], [2, 3]), [S(4, 6)]);
        yield return new("Slice to nothing and all", t => t[0].Slice([0], [5], [1]), [S(5)]);
        yield return new("Pad", t => t[0].Pad([1, 0], [2, 1], [0, 0]), [S(2, 3)]);
        yield return new("Pad between", t => t[0].Pad([0, 1], [1, 0], [1, 2]), [S(2, 3)]);
        yield return new("Pad then product", t => t[0].Pad([0, 1], [0, 1], [0, 0]).MatMul(t[1]), [S(2, 2), S(4, 3)]);
        yield return new("Slice of Pad", t => t[0].Pad([2], [2], [0]).Slice([1], [5], [1]), [S(4)]);
        yield return new("Again", t => Again.Apply(t[0].Exp(), "test").Exp() + t[0].Exp().Exp(), [S(3, 4)]);
        yield return new("Detach half", t => t[0] * (t[0] * 1.0) + t[0].Detach() * 0, [S(4)]);
    }

    private static IEnumerable<GradientCase> Functions()
    {
        foreach (var (shape, axis) in new[] { (S(5), 0), (S(3, 4), 1), (S(3, 4), 0), (S(2, 3, 4), 1), (S(2, 3, 4), -1), (S(2, 2, 3, 2), 2) })
        {
            yield return new($"Softmax over {axis}", t => t[0].Softmax(axis), [shape]);
            yield return new($"LogSoftmax over {axis}", t => t[0].LogSoftmax(axis), [shape]);
        }

        yield return new("a chain", t => ((t[0] * t[1]).Exp() / (t[0] * t[0] + 1) - t[1]).Relu(), [S(3, 4), S(4)]);
        yield return new("a diamond", t => (t[0].Exp() + t[0]) * t[0].Exp(), [S(6)]);
        yield return new("an epilogue", t => (t[0].MatMul(t[1]) + t[2]).Relu(), [S(3, 4), S(4, 5), S(5)]);
        yield return new("a sum of a chain", t => (t[0] * t[1] + t[1]).Exp().Sum(0), [S(4, 3), S(3)]);
    }

    private static IEnumerable<GradientCase> Normalisations()
    {
        (Shape X, int[] Axes, Shape Weight)[] cases = [(S(4, 5), [1], S(5)), (S(2, 3, 4), [2], S(4)), (S(5, 3), [0], S(3)), (S(3, 2, 2, 3), [0, 2, 3], S(2, 1, 1)),
            (S(2, 3, 4), [2], S()), (S(2, 3, 4), [1, 2], S(3, 1)), (S(2, 3, 4), [1, 2], S(3, 4)), (S(4, 1), [1], S(1))];
        foreach (var (x, axes, weight) in cases)
        {
            string over = $"over [{string.Join(",", axes)}]";
            double count = axes.Aggregate(1.0, (n, axis) => n * x[axis]);
            Seq<int> along = [.. axes];
            yield return new($"Standardise {over}", t => Norms.Standardise(t[0], along, count, t[1], t[2], 1e-2), [x, weight, weight]);
            yield return new($"Standardise {over} and its moments", t => Norms.Moments(t[0], along, count) is var (mean, variance)
                ? Norms.Standardise(t[0], along, mean, variance, t[1], t[1], 1e-2) * mean + variance.Exp() : t[0], [x, weight]);
            yield return new($"gradient of Standardise {over}", t =>
            {
                var y = Norms.Standardise(t[0], along, count, t[1], t[2], 0.1);
                var g = Graph.Gradients.Of((y * y * y).SumAll(), t);
                return (g[0] * g[0]).SumAll() + g[1].Exp().SumAll() + (g[2] * t[2]).SumAll();
            }, [x, weight, weight], -0.5, 0.5);
        }
    }
}
