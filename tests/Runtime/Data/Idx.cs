using System.Buffers.Binary;
using System.IO.Compression;

namespace Singa.Actors.Runtime.Tests.Data;

/// <summary>IDX files made for a test.</summary>
internal static class Idx
{
    public static byte[] Images(int count, int rows, int columns, Func<int, byte>? pixel = null) =>
        Of(0x0803, [count, rows, columns], [.. Enumerable.Range(0, count * rows * columns).Select(i => pixel?.Invoke(i) ?? (byte)(i * 7))]);

    public static byte[] Labels(params byte[] labels) => Of(0x0801, [labels.Length], labels);

    public static byte[] Of(int magic, int[] dimensions, byte[] values)
    {
        var file = new byte[4 + 4 * dimensions.Length + values.Length];
        BinaryPrimitives.WriteInt32BigEndian(file, magic);
        for (int axis = 0; axis < dimensions.Length; axis++)
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * axis), dimensions[axis]);
        values.CopyTo(file, 4 + 4 * dimensions.Length);
        return file;
    }

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(content);
        return packed.ToArray();
    }
}
