namespace Singa.Actors.Graph.Onnx;

/// <summary>Elements of host tensors as numbers.</summary>
public static class HostNumbers
{
    /// <summary>As doubles; UInt64 by its value.</summary>
    public static double[] Floats(HostTensor tensor) => tensor.Element == ElementType.UInt64 ? [.. Integers(tensor).Select(v => (double)(ulong)v)]
        : [.. All(tensor).Select(n => tensor.Type.DType.IsFloat() ? n.Float : n.Whole)];

    /// <summary>As whole numbers; UInt64 by its bits.</summary>
    public static long[] Integers(HostTensor tensor) => [.. All(tensor).Select(n => n.Whole)];

    private static IEnumerable<(double Float, long Whole)> All(HostTensor tensor)
    {
        var type = tensor.Type.DType;
        for (long i = 0; i < tensor.Shape.Count; i++)
            yield return HostEvaluator.Read(tensor.Data.Span, type, i);
    }
}
