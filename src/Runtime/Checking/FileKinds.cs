using System.Text;

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
    Text,
    Job,
}

/// <summary>Which kind a file claims to be: by the ending of its name or, where that tells nothing, by its first bytes.</summary>
internal static class FileKinds
{
    public const string Known = "ONNX (.onnx, .pb), safetensors (.safetensors), IDX (.idx, …-ubyte, .gz), CIFAR (.bin), tables (.csv, .tsv), texts (.txt), jobs (.conf)";

    private const int Excerpt = 4096;

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
            ".txt" => FileKind.Text,
            ".conf" or ".hocon" => FileKind.Job,
            _ when file.EndsWith("-ubyte", StringComparison.Ordinal) => FileKind.Idx,
            _ => ByContent(content),
        };
    }

    private static FileKind ByContent(Stream content)
    {
        Span<byte> first = stackalloc byte[Excerpt];
        first = first[..content.ReadAtLeast(first, first.Length, throwOnEndOfStream: false)];
        bool whole = first.Length == content.Length;
        content.Position = 0;
        return first switch
        {
            [0x1F, 0x8B, ..] or [0, 0, >= 0x08 and <= 0x0E, >= 1 and <= 16, ..] => FileKind.Idx,
            [_, _, _, _, 0, 0, 0, 0, (byte)'{', ..] => FileKind.SafeTensors,
            [0x08, > 0 and <= 64, ..] => FileKind.Onnx,
            _ when first.Contains((byte)0) => FileKind.Unknown,
            _ => ByLines(Encoding.UTF8.GetString(first).Split('\n'), whole),
        };
    }

    /// <summary>A job says so at the beginning of a line; a table's first lines have as many fields as one another.</summary>
    private static FileKind ByLines(string[] lines, bool whole)
    {
        if (lines.Any(l => l.TrimStart() is ['j', 'o', 'b', ' ' or '\t' or '.' or '=' or ':' or '{', ..]))
            return FileKind.Job;
        // The last line may be cut off.
        string[] rows = [.. lines.Take(whole ? lines.Length : lines.Length - 1).Where(l => l.Trim().Length > 0)];
        return rows.Length > 1 && TableCheck.Delimiters.Any(d => rows[0].Contains(d) && rows.All(r => r.AsSpan().Count(d) == rows[0].AsSpan().Count(d))) ? FileKind.Table : FileKind.Unknown;
    }
}
