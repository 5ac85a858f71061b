using System.Buffers.Binary;
using System.Text.Json;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Models;

/// <summary>Reads a file that may come from anywhere: every size is checked against the file before memory is taken for it.</summary>
internal static class SafeTensorsReader
{
    /// <summary>The format's own limit.</summary>
    private const long HeaderBytesMax = 100_000_000;

    private sealed record Entry(string Name, TensorType Type, long Begin, long End);

    public static SafeTensorsFile Read(Stream file, string path)
    {
        long headerBytes = HeaderLength(file, path);
        var header = new byte[headerBytes];
        file.ReadExactly(header);
        long dataBytes = file.Length - file.Position;
        var (entries, metadata) = Parse(header, path);
        CheckLayout(entries, dataBytes, path);

        var tensors = new NamedTensor[entries.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            var data = new byte[entries[i].End - entries[i].Begin];
            file.ReadExactly(data);
            tensors[i] = new NamedTensor(entries[i].Name, entries[i].Type, data);
        }

        return new SafeTensorsFile(metadata, [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)]);
    }

    private static long HeaderLength(Stream file, string path)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        if (file.ReadAtLeast(length, length.Length, throwOnEndOfStream: false) < length.Length)
            throw Damaged(path, "it is shorter than 8 bytes");
        long bytes = BinaryPrimitives.ReadInt64LittleEndian(length);
        if (bytes is < 2 or > HeaderBytesMax || bytes > file.Length - sizeof(long))
            throw Damaged(path, $"a header of {(ulong)bytes:N0} bytes does not fit its {file.Length:N0} bytes");
        return bytes;
    }

    private static (List<Entry> Entries, Dictionary<string, string> Metadata) Parse(byte[] header, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            var entries = new List<Entry>();
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var item in document.RootElement.EnumerateObject())
            {
                if (item.Name != SafeTensors.MetadataKey)
                    entries.Add(ParseEntry(item, path));
                else
                    foreach (var pair in item.Value.EnumerateObject())
                        metadata[pair.Name] = pair.Value.GetString() ?? "";
            }

            return (entries, metadata);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or ArgumentException or OverflowException)
        {
            throw new ModelFileException($"{path} is no safetensors file: its header is not as the format says ({exception.Message}); get it again", exception);
        }
    }

    private static Entry ParseEntry(JsonProperty item, string path)
    {
        string dtype = item.Value.GetProperty("dtype").GetString() ?? "";
        if (!Enum.GetValues<DType>().Any(t => t.SafetensorsName() == dtype))
        {
            throw new ModelFileException(
                $"{path}: tensor '{item.Name}' has elements of type {dtype}; this version reads {string.Join(", ", Enum.GetValues<DType>().Select(DTypes.SafetensorsName))}");
        }

        var shape = Shape.Of([.. item.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]);
        var offsets = item.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
        var type = new TensorType(Enum.GetValues<DType>().First(t => t.SafetensorsName() == dtype), shape);
        if (offsets is not [var begin, var end] || begin < 0 || end - begin != checked(shape.Count * type.DType.Size()))
            throw new FormatException($"the offsets of '{item.Name}' do not hold {type}");
        return new Entry(item.Name, type, begin, end);
    }

    /// <summary>Tensors must follow one another without gap or overlap, from the data's first byte to its last.</summary>
    private static void CheckLayout(List<Entry> entries, long dataBytes, string path)
    {
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long expected = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != expected)
                throw Damaged(path, $"tensor '{entry.Name}' begins at {entry.Begin}, not where the one before it ends ({expected})");
            if (entry.End - entry.Begin > Array.MaxLength)
                throw new ModelFileException($"{path}: tensor '{entry.Name}' is larger than 2 GiB, which this version cannot read");
            expected = entry.End;
        }

        if (expected != dataBytes)
            throw Damaged(path, $"its tensors are {expected:N0} bytes, what follows the header {dataBytes:N0}");
        if (entries.Select(e => e.Name).Distinct().Count() != entries.Count)
            throw Damaged(path, "a tensor's name stands twice");
    }

    private static ModelFileException Damaged(string path, string how) => new($"{path} is damaged or no safetensors file: {how}; get it again");
}
