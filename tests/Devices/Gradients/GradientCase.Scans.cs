using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

public sealed partial record GradientCase
{
    private static IEnumerable<GradientCase> Scans()
    {
        foreach (bool reverse in new[] { false, true })
        {
            string way = reverse ? " in reverse" : "";
            yield return new($"Scan: sums{way}", t => Sums(t[0], t[1], reverse), [S(3), S(4, 3)]);
            yield return new($"Scan: recurrence along 0{way}", t => Recurrence(t, 0, reverse).Outputs[0], [S(2, 3), S(4, 2, 5), S(5, 3), S(3, 3), S(3)], -0.7, 0.7);
            yield return new($"Scan: recurrence along 1{way}", t => Recurrence(t, 1, reverse).Outputs[0], [S(2, 3), S(2, 4, 5), S(5, 3), S(3, 3), S(3)], -0.7, 0.7);
            yield return new($"Scan: last state{way}", t => Recurrence(t, 1, reverse).Final[0], [S(2, 3), S(2, 4, 5), S(5, 3), S(3, 3), S(3)], -0.7, 0.7);
            yield return new($"Scan: states and last state{way}", t => Recurrence(t, 1, reverse) is var r ? r.States[0].Sum(1) * r.Final[0] : null!,
                [S(2, 3), S(2, 3, 5), S(5, 3), S(3, 3), S(3)], -0.7, 0.7);
            yield return new($"gradient of Scan{way}", t =>
            {
                var y = Recurrence(t, 1, reverse).Outputs[0];
                return Graph.Gradients.Of((y * y).SumAll(), t).Select(g => (g * g).SumAll()).Aggregate((a, b) => a + b);
            }, [S(2, 2), S(2, 3, 3), S(3, 2), S(2, 2), S(2)], -0.7, 0.7);
        }

        yield return new("Scan: one step", t => Recurrence(t, 1, false).Outputs[0], [S(2, 3), S(2, 1, 5), S(5, 3), S(3, 3), S(3)], -0.7, 0.7);
        yield return new("Scan: without states", t => Scan.Apply([], [t[0], t[1]], (_, x) => ([], [x[0] * x[1].Sum(0)]), 1).Outputs[0], [S(2, 3, 2), S(4, 3)]);
        yield return new("Scan: two states, one of them unread", t =>
        {
            var r = Scan.Apply([t[0], t[0] * 2], [t[1]], (s, x) => ([Pointwise.Apply("Tanh", s[0] * t[2] + x[0]), s[1] + s[0]], []), 1);
            return r.Final[1] + r.Final[0].Detach() * 0;
        }, [S(3), S(3, 4), S(3)]);
        yield return new("Scan: steps are counted", t =>
        {
            var r = Scan.Apply([Constant.Create<int>([1], S()), t[0]], [t[1]],
                (s, x) => ([Pointwise.Apply("Next", a => a[0] + 1.0, s[0]), s[1] * x[0]], [s[0].Convert(DType.Float64) * s[1]]));
            return r.Outputs[0];
        }, [S(2), S(3, 2)], 0.5);
        yield return new("Scan: a step's result without the states", t => Scan.Apply([t[0]], [t[1]], (s, x) => ([s[0] + x[0]], [t[2] * 2, x[0]])) is var r
            ? r.Outputs[0] * r.Outputs[1] + r.Final[0] : null!, [S(2), S(3, 2), S(2)]);
        yield return new("Scan in a scan", t => Scan.Apply([t[0]], [t[1]], (s, x) =>
        {
            var inner = Scan.Apply([s[0]], [x[0]], (u, y) => ([Pointwise.Apply("Tanh", u[0] * t[2] + y[0] + s[0])], [u[0] * y[0]]));
            return ([inner.Final[0]], [inner.Outputs[0].Sum(0)]);
        }).Outputs[0], [S(3), S(2, 4, 3), S(3)], -0.7, 0.7);
        yield return new("Scan: rows of a table", t =>
        {
            var tokens = Constant.Create<int>([1, 0, 3, 3, 2, 9], S(2, 3));
            return Scan.Apply([t[0]], [tokens], (s, x) => ([Pointwise.Apply("Tanh", s[0] * 0.5 + t[1].Gather(x[0]))], []), 1).States[0];
        }, [S(2, 3), S(4, 3)]);
        yield return new("Scan: a convolution in each step", t => Scan.Apply([t[0]], [t[1]],
            (s, x) => ([Pointwise.Apply("Tanh", Convolve.Apply(s[0], t[2], (1, 1), (1, 1)) + x[0])], []), 1).Final[0], [S(2, 2, 3, 3), S(2, 3, 2, 3, 3), S(2, 2, 3, 3)], -0.5, 0.5);
        yield return new("Scan: one weight in several places", t => Scan.Apply([t[0]], [t[1]],
            (s, x) => ([Pointwise.Apply("Tanh", s[0].MatMul(t[2]) + x[0].MatMul(t[2].Transpose(1, 0)) * t[2].Sum(0))], []), 1).States[0], [S(2, 3), S(2, 3, 3), S(3, 3)], -0.7, 0.7);
    }

    private static Tensor Sums(Tensor first, Tensor terms, bool reverse) => Scan.Apply([first], [terms], (s, x) => ([s[0] + x[0]], [s[0] * x[0]]), 0, reverse).Outputs[0];

    private static ScanResult Recurrence(Tensor[] t, int axis, bool reverse) => Scan.Apply([t[0]], [t[1]], (s, x) =>
    {
        var h = Pointwise.Apply("Tanh", x[0].MatMul(t[2]) + s[0].MatMul(t[3]) + t[4]);
        return ([h], [h * h + h]);
    }, axis, reverse);
}
