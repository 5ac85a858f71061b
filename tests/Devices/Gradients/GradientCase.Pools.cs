using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

public sealed partial record GradientCase
{
    /// <summary>Pooling's gradients are ops again; theirs must be right too.</summary>
    private static IEnumerable<GradientCase> Pools()
    {
        (Shape Image, int Kernel, int Stride, int Pad)[] cases = [(S(2, 2, 4, 4), 2, 2, 0), (S(1, 1, 5, 5), 3, 1, 1), (S(1, 2, 6, 6), 3, 2, 0), (S(2, 1, 4, 6), 3, 2, 1)];
        foreach (var (image, kernel, stride, pad) in cases)
        {
            Func<Tensor, Tensor>[] pools =
            [
                x => MaxPool.Apply(x, (kernel, kernel), (stride, stride), (pad, pad)),
                x => SumPool.Apply(x, (kernel, kernel), (stride, stride), (pad, pad)),
                x => SumPool.Average(x, (kernel, kernel), (stride, stride), (pad, pad), countPadding: false),
            ];
            foreach (var (pool, what) in pools.Zip(["MaxPool", "SumPool", "Average"]))
            {
                if (what != "MaxPool")
                    yield return new($"{what} {kernel} stride {stride} pad {pad}", t => pool(t[0]), [image]);
                yield return new($"gradient of {what} {kernel} stride {stride} pad {pad}", t =>
                {
                    var y = pool(t[0]);
                    return Graph.Gradients.Of((y * y * y).SumAll(), t)[0];
                }, [image]);
            }
        }
    }
}
