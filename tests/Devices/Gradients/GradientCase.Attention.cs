using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

public sealed partial record GradientCase
{
    /// <summary>Blocks of two or three rows, so that there are several, the last one shorter.</summary>
    private static IEnumerable<GradientCase> Attentions()
    {
        foreach (bool causal in new[] { false, true })
        {
            string kind = causal ? "causal attention" : "attention";
            GradientCase Of(string what, int headAxes, long blockRows, params Shape[] shapes) => new($"{kind} {what}, blocks of {blockRows}",
                t => Attention.Apply(t[0], t[1], t[2], t.ElementAtOrDefault(3), causal, null, headAxes, blockRows), shapes);
            yield return Of("of one query", 0, 2, S(1, 3), S(1, 3), S(1, 2));
            yield return Of("of one block", 0, 8, S(5, 3), S(5, 3), S(5, 2));
            yield return Of("of blocks", 0, 2, S(2, 5, 3), S(2, 5, 3), S(2, 5, 2));
            yield return Of("of more keys than queries", 0, 2, S(2, 3, 3), S(2, 6, 3), S(2, 6, 3));
            yield return Of("with heads", 1, 3, S(2, 7, 2, 3), S(2, 7, 2, 3), S(2, 7, 2, 4));
            yield return Of("with heads in groups", 2, 3, S(4, 2, 3, 2), S(5, 2, 1, 2).With(2, 3), S(5, 2, 3, 2));
            yield return Of("with a bias", 0, 2, S(2, 4, 3), S(2, 5, 3), S(2, 5, 2), S(4, 5));
            yield return Of("with a bias for each head", 1, 2, S(2, 3, 2, 2), S(2, 5, 2, 2), S(2, 5, 2, 2), S(2, 1, 5));
            yield return new($"{kind} of a tensor with itself", t => Attention.Apply(t[0], t[0], t[0], null, causal, 0.3, 0, 2), [S(5, 2)]);
            yield return new($"{kind} with a mask", t => Attention.Apply(t[0], t[1], t[2], Seen(4, 5), causal, null, 0, 2), [S(4, 3), S(5, 3), S(5, 2)]);
            yield return new($"gradient of {kind}", t =>
            {
                var y = Attention.Apply(t[0], t[1], t[2], t[3], causal, 0.4, 1, 2);
                var g = Graph.Gradients.Of((y * y).SumAll(), t);
                return (g[0] * t[0]).SumAll() + g[1].SumAll() * 0.5 + (g[2] * g[2]).SumAll() * 0.1 + (g[3] * g[3]).SumAll();
            }, [S(3, 2, 2), S(4, 2, 2), S(4, 2, 2), S(3, 4)], -1, 1);
            yield return new($"gradient of the gradient of {kind}", t =>
            {
                var y = Attention.Apply(t[0], t[1], t[2], null, causal, null, 0, 2);
                var first = Graph.Gradients.Of((y * y).SumAll(), t);
                return Graph.Gradients.Of((first[0] * first[0]).SumAll() + first[1].Exp().SumAll(), t)[1];
            }, [S(3, 2), S(3, 2), S(3, 2)], -1, 1);
        }

        yield return new("attention with queries that see nothing", t => Attention.Apply(t[0], t[1], t[2], Constant.Create<bool>([true, false, false, false, true, true], S(3, 2)), false, null, 0, 2),
            [S(3, 2), S(2, 2), S(2, 2)]);
    }

    private static Tensor Seen(int rows, int columns) =>
        Constant.Create<bool>([.. Enumerable.Range(0, rows * columns).Select(i => i % columns == 0 || i * 7 % 3 != 0)], S(rows, columns));
}
