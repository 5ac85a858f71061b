using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

public sealed partial record GradientCase
{
    private static IEnumerable<GradientCase> Joints()
    {
        yield return new("Concat along 0", t => Composites.Concat(0, t[0], t[1], t[2]), [S(2, 3), S(1, 3), S(4, 3)]);
        yield return new("Concat along the last", t => Composites.Concat(-1, t[0], t[1]), [S(2, 2, 3), S(2, 2, 2)]);
        yield return new("Concat in the middle of what is computed", t => Composites.Concat(1, t[0].Exp(), t[1] * 2, Pointwise.Apply("Sin", t[0].Exp())), [S(2, 3, 2), S(2, 1, 2)]);
        yield return new("Concat of a tensor with itself", t => Composites.Concat(1, t[0].Exp(), t[0].Exp()), [S(2, 3)]);
        yield return new("Concat of concats", t => Composites.Concat(0, Composites.Concat(1, t[0].Exp(), t[1]), Composites.Concat(1, t[1].Exp(), t[0])).Exp(), [S(2, 3), S(2, 1)]);
        yield return new("Concat of a product and a sum", t => Composites.Concat(1, t[0].MatMul(t[1]), t[0].Sum(1).Reshape(S(3, 1))), [S(3, 4), S(4, 2)]);
        yield return new("Split", t =>
        {
            var p = t[0].Split(1, 1, 2, 3);
            return (p[0] * p[1]).Sum(1) + (p[1] * p[2].Sum(1).Reshape(S(2, 1))).Sum(1);
        }, [S(2, 6)]);
        yield return new("Split with a piece unused", t => t[0].Split(0, 2, 1, 2)[2].Exp(), [S(5, 2)]);
        yield return new("Split and put together in another order", t =>
        {
            var p = t[0].Split(-1, 2, 2);
            return Composites.Concat(1, p[1].Exp(), Pointwise.Apply("Sin", p[0]), p[1]);
        }, [S(3, 4)]);
    }
}
