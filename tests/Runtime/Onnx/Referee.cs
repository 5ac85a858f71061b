using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Singa.Actors.Runtime.Tests.Onnx;

/// <summary>ONNX Runtime, which knows nothing of us.</summary>
internal static class Referee
{
    /// <summary>What a model answers to samples, whatever its input is called.</summary>
    public static float[] Run<T>(string path, T[] samples, int count, IReadOnlyList<long> sample) where T : unmanaged
    {
        using var session = new InferenceSession(path);
        var tensor = new DenseTensor<T>(samples, [count, .. sample.Select(d => (int)d)]);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor(session.InputMetadata.Single().Key, tensor)]);
        return [.. results.Single().AsTensor<float>()];
    }

    /// <summary>|a − b| ≤ 1e-5 · max |b| + 1e-4 · |b|.</summary>
    /// <returns>The largest difference in units of the tolerance.</returns>
    public static double Agree(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Max(Math.Abs), worst = 0;
        for (int i = 0; i < expected.Length; i++)
            worst = Math.Max(worst, Math.Abs(actual[i] - expected[i]) / (1e-5 * largest + 1e-4 * Math.Abs(expected[i])));
        Assert.True(worst <= 1, $"{worst:F3} of the tolerance");
        return worst;
    }
}
