
namespace Singa.Actors.Runtime.Checking;

internal enum FileKind
{
    Unknown,
    Onnx,
    OnnxTensor,
    SafeTensors,
    Idx,
    Cifar,
    Table,
    Job,
}

/// <summary>Which kind a file claims to be.</summary>
internal static class FileKinds
{
    public const string Endings = ".onnx, .pb, .safetensors, .idx (or …-ubyte, .gz), .bin, .csv, .tsv, .conf";

    /// <summary>Leaves the content at its beginning.</summary>
    public static FileKind Of(string name, Stream content)
    {
        string file = Path.GetFileName(name).ToLowerInvariant();
        return Path.GetExtension(file) switch
        {
            ".onnx" => FileKind.Onnx,
            ".pb" => FileKind.OnnxTensor,
            ".safetensors" => FileKind.SafeTensors,
            ".idx" or ".gz" => FileKind.Idx,
            ".bin" => FileKind.Cifar,
            ".csv" or ".tsv" => FileKind.Table,
            ".conf" or ".hocon" => FileKind.Job,
            _ when file.EndsWith("-ubyte", StringComparison.Ordinal) => FileKind.Idx,
            _ => ByContent(content),
        };
    }

    private static FileKind ByContent(Stream content)
    {
        Span<byte> first = stackalloc byte[9];
        first = first[..content.ReadAtLeast(first, first.Length, throwOnEndOfStream: false)];
        content.Position = 0;
        return first switch
        {
            [0x1F, 0x8B, ..] or [0, 0, >= 0x08 and <= 0x0E, >= 1 and <= 8, ..] => FileKind.Idx,
            [_, _, _, _, 0, 0, 0, 0, (byte)'{'] => FileKind.SafeTensors,
            [0x08, <= 64, ..] => FileKind.Onnx,
            [(byte)'j', (byte)'o', (byte)'b', ..] or [(byte)'#', ..] => FileKind.Job,
            _ => FileKind.Unknown,
        };
    }
}
