using System.Buffers.Binary;
using Singa.Actors.Runtime.Data.Digits;

namespace Singa.Actors.Bench.Nodes;

/// <summary>Drawn digits in IDX files. Real jobs read files; a node that comes back would draw its digits once more, which costs more than its start.</summary>
internal static class DigitFiles
{
    private const int ImagesMagic = 0x803, LabelsMagic = 0x801;

    /// <summary>What stands in a job's <c>data { … }</c>.</summary>
    public static string Write(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        string images = Path.Combine(folder, $"digits-{count}.idx3"), labels = Path.Combine(folder, $"digits-{count}.idx1");
        if (!File.Exists(labels))
        {
            var (pixels, classes) = DigitImages.Generate(1, "bench", count);
            WriteIdx(images, pixels, ImagesMagic, count, DigitImages.Side, DigitImages.Side);
            WriteIdx(labels, classes, LabelsMagic, count);
        }

        return $"kind = idx, train-images = \"{images}\", train-labels = \"{labels}\"";
    }

    private static void WriteIdx(string path, byte[] bytes, params ReadOnlySpan<int> header)
    {
        using var file = File.Create(path);
        Span<byte> number = stackalloc byte[4];
        foreach (int each in header)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, each);
            file.Write(number);
        }

        file.Write(bytes);
    }
}
