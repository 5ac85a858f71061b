using System.IO.Compression;
using Singa.Actors.Graph.Onnx;

namespace Singa.Actors.Runtime.Onnx.Suite;

/// <summary>The files of a zip or a folder by their paths with / between.</summary>
public sealed class SuiteFiles : IDisposable
{
    // Deflate cannot pack tighter.
    private const long BytesMax = 1L << 30, DeflateRatioMax = 1032;

    private readonly ZipArchive? archive;
    private readonly string source;

    /// <exception cref="IOException"/>
    /// <exception cref="InvalidDataException">It is no zip.</exception>
    public SuiteFiles(string source)
    {
        this.source = source;
        if (Directory.Exists(source))
            Names = [.. Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(source, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        else
            Names = [.. (archive = ZipFile.OpenRead(source)).Entries.Select(e => e.FullName).Where(n => !n.EndsWith('/')).Order(StringComparer.Ordinal)];
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Where a model's elements lie that it keeps beside itself; nowhere for one in a zip.</summary>
    public IExternalData External => archive is null ? new ExternalFolder(source) : NoExternalData.Instance;

    public byte[] Read(string name)
    {
        if (archive is null)
            return File.ReadAllBytes(Path.Combine(source, name));
        var entry = archive.GetEntry(name) ?? throw new FileNotFoundException($"{source} has no {name}");
        if (entry.Length > BytesMax || entry.Length / DeflateRatioMax > entry.CompressedLength)
            throw new InvalidDataException($"{name} in {source} has {entry.Length:N0} bytes unpacked");
        using var stream = entry.Open();
        // What a zip says of its lengths is not believed: as much is read as there is, and no more than said.
        var data = new byte[entry.Length];
        int read = stream.ReadAtLeast(data, data.Length, throwOnEndOfStream: false);
        return read == data.Length ? data : data[..read];
    }

    public void Dispose() => archive?.Dispose();
}
