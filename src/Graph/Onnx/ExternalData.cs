using System.Globalization;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx;

/// <summary>Where elements lie that a model keeps beside itself.</summary>
public interface IExternalData
{
    /// <summary>The elements, <paramref name="bytes"/> of them.</summary>
    /// <exception cref="OnnxException">They are not there, or not where a model may point.</exception>
    ReadOnlyMemory<byte> Read(TensorProto tensor, long bytes);

    /// <summary>As <see cref="Read"/> without reading.</summary>
    /// <exception cref="OnnxException"/>
    void Check(TensorProto tensor, long bytes);
}

/// <summary>For models that come without a folder.</summary>
public sealed class NoExternalData : IExternalData
{
    public static readonly NoExternalData Instance = new();

    public ReadOnlyMemory<byte> Read(TensorProto tensor, long bytes) => throw Wrong(tensor);

    public void Check(TensorProto tensor, long bytes) => throw Wrong(tensor);

    private static OnnxException Wrong(TensorProto tensor) => TensorReader.Wrong(tensor, "keeps its elements in another file, and there is no folder to look in");
}

/// <summary>Files of the model's own folder and of folders in it; nothing that leads out of it, by name or by link.</summary>
public sealed class ExternalFolder(string folder) : IExternalData
{
    private readonly Lazy<string> root = new(() => Real(new DirectoryInfo(Path.GetFullPath(folder))));

    public ReadOnlyMemory<byte> Read(TensorProto tensor, long bytes)
    {
        var (path, offset) = Place(tensor, bytes);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
        file.Position = offset;
        var data = new byte[bytes];
        file.ReadExactly(data);
        return data;
    }

    public void Check(TensorProto tensor, long bytes) => Place(tensor, bytes);

    private (string Path, long Offset) Place(TensorProto tensor, long bytes)
    {
        string location = Entry(tensor, "location") ?? throw TensorReader.Wrong(tensor, "keeps its elements in another file and does not say which");
        long offset = Number(tensor, "offset") ?? 0;
        if (bytes > Array.MaxLength)
            throw TensorReader.Wrong(tensor, $"of {bytes:N0} bytes is larger than this version reads");
        var parts = location.Split('/', '\\');
        if (location.Length == 0 || Path.IsPathRooted(location) || location.Contains('\0') || location.Contains(':') || parts.Any(p => p is "" or ".."))
            throw TensorReader.Wrong(tensor, $"points to '{location}', outside of the model's folder");
        var file = new FileInfo(Path.GetFullPath(Path.Combine([folder, .. parts])));
        try
        {
            if (!file.Exists)
                throw TensorReader.Wrong(tensor, $"points to '{location}', which is not there");
            file = new FileInfo(Real(file));
            if (!file.FullName.StartsWith(root.Value.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw TensorReader.Wrong(tensor, $"points to '{location}', which is a link out of the model's folder");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw TensorReader.Wrong(tensor, $"points to '{location}', which cannot be read: {e.Message}", e);
        }

        if (Number(tensor, "length") is { } length && length != bytes)
            throw TensorReader.Wrong(tensor, $"has {length:N0} bytes in '{location}' and needs {bytes:N0}");
        if (offset > file.Length - bytes)
            throw TensorReader.Wrong(tensor, $"has {bytes:N0} bytes at {offset:N0} of '{location}', which has {file.Length:N0}");
        return (file.FullName, offset);
    }

    /// <summary>The path with every link on the way followed.</summary>
    private static string Real(FileSystemInfo place)
    {
        var target = place.ResolveLinkTarget(returnFinalTarget: true) ?? place;
        string? parent = Path.GetDirectoryName(target.FullName);
        return parent is null ? target.FullName : Path.Combine(Real(new DirectoryInfo(parent)), target.Name);
    }

    private static string? Entry(TensorProto tensor, string key) => tensor.ExternalData.FirstOrDefault(e => e.Key == key)?.Value;

    private static long? Number(TensorProto tensor, string key) => Entry(tensor, key) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value
        : throw TensorReader.Wrong(tensor, $"has an {key} of '{text}' in another file");
}
