using System.Numerics;
using System.Runtime.InteropServices;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Tests.Data;

/// <summary>Softmax regression by stochastic gradient descent: what can be done without looking at shapes.</summary>
internal static class LinearClassifier
{
    public static double Accuracy(Dataset data, int epochs)
    {
        int inputs = (int)data.Train.Sample.Shape.Count, classes = data.Train.Classes;
        var weights = new float[classes][];
        for (int c = 0; c < classes; c++)
            weights[c] = new float[inputs + Vector<float>.Count];
        var order = new SampleOrder(1, data.Train.Count);
        var sample = new float[inputs + Vector<float>.Count];
        sample[inputs] = 1;
        var label = new int[1];
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            float rate = 0.001f * (1 - epoch / (float)epochs);
            for (long i = 0; i < data.Train.Count; i++)
            {
                data.Train.Read(0, [order[epoch, i]], MemoryMarshal.AsBytes(sample.AsSpan(0, inputs)), MemoryMarshal.AsBytes(label.AsSpan()));
                var slope = Softmax([.. weights.Select(w => Dot(w, sample))]);
                slope[label[0]] -= 1;
                for (int c = 0; c < classes; c++)
                    Add(weights[c], sample, -rate * slope[c]);
            }
        }

        long right = 0;
        for (long i = 0; i < data.Test!.Count; i++)
        {
            data.Test.Read(0, [i], MemoryMarshal.AsBytes(sample.AsSpan(0, inputs)), MemoryMarshal.AsBytes(label.AsSpan()));
            var scores = weights.Select(w => Dot(w, sample)).ToArray();
            right += Array.IndexOf(scores, scores.Max()) == label[0] ? 1 : 0;
        }

        return right / (double)data.Test.Count;
    }

    private static float[] Softmax(float[] scores)
    {
        float most = scores.Max();
        var powers = scores.Select(s => MathF.Exp(s - most)).ToArray();
        return [.. powers.Select(p => p / powers.Sum())];
    }

    private static float Dot(float[] a, float[] b)
    {
        var sum = Vector<float>.Zero;
        for (int i = 0; i + Vector<float>.Count <= a.Length; i += Vector<float>.Count)
            sum += new Vector<float>(a, i) * new Vector<float>(b, i);
        return Vector.Sum(sum);
    }

    private static void Add(float[] target, float[] values, float factor)
    {
        for (int i = 0; i + Vector<float>.Count <= target.Length; i += Vector<float>.Count)
            (new Vector<float>(target, i) + new Vector<float>(values, i) * factor).CopyTo(target, i);
    }
}
