using Singa.Actors.Runtime.Data.Digits;
using Singa.Actors.Runtime.Tests.Data;

namespace Singa.Actors.Bench.Nodes;

/// <summary>Drawn digits in IDX files. Real jobs read files; a node that comes back would draw its digits once more, which costs more than its start.</summary>
internal static class DigitFiles
{
    /// <summary>What stands in a job's <c>data { … }</c>.</summary>
    public static string Write(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        string images = Path.Combine(folder, $"digits-{count}.idx3"), labels = Path.Combine(folder, $"digits-{count}.idx1");
        if (!File.Exists(labels))
        {
            var (pixels, classes) = DigitImages.Generate(1, "bench", count);
            File.WriteAllBytes(images, Idx.Of(0x803, [count, DigitImages.Side, DigitImages.Side], pixels));
            File.WriteAllBytes(labels, Idx.Labels(classes));
        }

        return $"kind = idx, train-images = \"{images}\", train-labels = \"{labels}\"";
    }
}
