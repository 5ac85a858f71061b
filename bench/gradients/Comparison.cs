using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Torch = TorchSharp.torch;

namespace Singa.Actors.Bench.Gradients;

/// <summary>The result and the gradients of all inputs, here and there: the largest difference in units of the largest number of its tensor.</summary>
internal static class Comparison
{
    public static double Of(OpCase it, DType type, Draw draw)
    {
        double[][] values = [.. it.Inputs.Select(draw.Values)];
        Tensor[] ours = [.. it.Inputs.Select((shape, i) => Tensor.From<double>(values[i], shape).Convert(type).Detach())];
        var result = it.Ours(ours);
        double[] upstream = draw.Values(result.Shape);
        var gradients = Graph.Gradients.Of((result * Tensor.From<double>(upstream, result.Shape).Convert(type)).Sum(), ours);
        Tensor.Evaluate([result, .. gradients]);

        var kind = type == DType.Float64 ? Torch.float64 : Torch.float32;
        Torch.Tensor There(double[] data, Shape shape) => Torch.tensor(data, shape.Dims.ToArray(), dtype: kind);
        Torch.Tensor[] theirs = [.. it.Inputs.Select((shape, i) => There(values[i], shape).requires_grad_())];
        var expected = it.Theirs(theirs);
        if (!expected.shape.AsSpan().SequenceEqual(result.Shape.Dims))
            throw new InvalidOperationException($"{it.Choice}: {result.Shape} here and [{string.Join(", ", expected.shape)}] there");
        (expected * There(upstream, result.Shape)).sum().backward();
        return new[] { Difference(result, expected) }.Concat(gradients.Select((g, i) => Difference(g, theirs[i].grad ?? Torch.zeros_like(theirs[i])))).Max();
    }

    private static double Difference(Tensor ours, Torch.Tensor theirs)
    {
        double[] a = ours.Convert(DType.Float64).ToArray<double>(), b = theirs.detach().to_type(Torch.float64).contiguous().data<double>().ToArray();
        double scale = b.Select(Math.Abs).DefaultIfEmpty(0).Max(), difference = a.Zip(b, (x, y) => Math.Abs(x - y)).DefaultIfEmpty(0).Max();
        return difference == 0 ? 0 : double.IsNaN(difference) ? double.PositiveInfinity : difference / Math.Max(scale, 1e-3);
    }
}
