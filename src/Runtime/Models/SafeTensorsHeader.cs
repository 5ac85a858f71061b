using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Models;

/// <summary>One tensor of a file: bytes <c>Begin</c> up to, not including, <c>End</c> of what follows the header.</summary>
internal sealed record SafeTensorsEntry(string Name, SafeTensorsType Type, Shape Shape, long Begin, long End);

/// <summary>
/// The header of a file that may come from anywhere, in the order of the data. It is read token by token: what a header costs in memory is a
/// small multiple of its length, and every size is checked against the file.
/// </summary>
internal sealed class SafeTensorsHeader
{
    /// <summary>The format's own limit.</summary>
    private const long BytesMax = 100_000_000;

    private const int RankMax = 64;

    // Of tensors and of lines of metadata: some hundred bytes of memory each.
    private const int EntriesMax = 1_000_000;

    private SafeTensorsHeader(List<SafeTensorsEntry> entries, Dictionary<string, string> metadata) => (Entries, Metadata) = (entries, metadata);

    public IReadOnlyList<SafeTensorsEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Leaves the file at the first byte of the data.</summary>
    /// <param name="path">What the file is called where something in it is refused.</param>
    /// <exception cref="ModelFileException">It is damaged or no safetensors file.</exception>
    public static SafeTensorsHeader Read(Stream file, string path)
    {
        var text = new byte[Length(file, path)];
        file.ReadExactly(text);
        long dataBytes = file.Length - file.Position;
        var header = Parse(text, path);
        CheckLayout(header.Entries, dataBytes, path);
        return header;
    }

    private static long Length(Stream file, string path)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        if (file.ReadAtLeast(length, length.Length, throwOnEndOfStream: false) < length.Length)
            throw Damaged(path, "it is shorter than 8 bytes");
        long bytes = BinaryPrimitives.ReadInt64LittleEndian(length);
        if (bytes is < 2 or > BytesMax || bytes > file.Length - sizeof(long))
            throw Damaged(path, $"a header of {(ulong)bytes:N0} bytes does not fit its {file.Length:N0} bytes");
        return bytes;
    }

    private static SafeTensorsHeader Parse(ReadOnlySpan<byte> text, string path)
    {
        var entries = new List<SafeTensorsEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            if (text[0] != '{')
                throw new FormatException("it does not begin with {");
            if (!Utf8.IsValid(text))
                throw new FormatException("it is not UTF-8");
            var json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 8 });
            Expect(ref json, JsonTokenType.StartObject);
            while (Next(ref json) == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                if (!names.Add(name))
                    throw new FormatException($"'{Excerpt(name)}' stands twice");
                if (names.Count > EntriesMax)
                    throw new FormatException($"it has more than {EntriesMax:N0} tensors");
                if (name == SafeTensors.MetadataKey)
                    ReadMetadata(ref json, metadata);
                else
                    entries.Add(ReadEntry(ref json, name));
            }

            if (json.Read())
                throw new FormatException("something follows it");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new ModelFileException($"{path} is no safetensors file: its header is not as the format says ({exception.Message}); get it again", exception);
        }

        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        return new SafeTensorsHeader(entries, metadata);
    }

    private static void ReadMetadata(ref Utf8JsonReader json, Dictionary<string, string> metadata)
    {
        // Writers that have none to write may write null.
        if (Next(ref json) == JsonTokenType.Null)
            return;
        if (json.TokenType != JsonTokenType.StartObject)
            throw new FormatException($"its metadata is a {json.TokenType}");
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            Expect(ref json, JsonTokenType.String);
            if (!metadata.TryAdd(key, json.GetString()!))
                throw new FormatException($"its metadata has '{Excerpt(key)}' twice");
            if (metadata.Count > EntriesMax)
                throw new FormatException($"its metadata has more than {EntriesMax:N0} lines");
        }
    }

    private static SafeTensorsEntry ReadEntry(ref Utf8JsonReader json, string name)
    {
        SafeTensorsType? type = null;
        long[]? shape = null, offsets = null;
        Expect(ref json, JsonTokenType.StartObject);
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            switch (json.GetString())
            {
                case "dtype" when type is null:
                    Expect(ref json, JsonTokenType.String);
                    type = SafeTensorsType.Find(json.GetString()!)
                        ?? throw new FormatException($"tensor '{name}' has elements of type {Excerpt(json.GetString()!)}; there are {string.Join(", ", SafeTensorsType.Names)}");
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref json, name, RankMax);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref json, name, 2);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw new FormatException($"tensor '{Excerpt(name)}' has one of its parts twice");
                default:
                    // What later versions of the format may add.
                    json.Skip();
                    break;
            }
        }

        if (type is null || shape is null || offsets is not [var begin, var end])
            throw new FormatException($"tensor '{name}' lacks its dtype, shape or data_offsets");
        var dims = Shape.Of(shape);
        if (begin < 0 || end < begin || type.Bytes(dims.Count) != end - begin)
            throw new FormatException($"the offsets of '{name}' do not hold {type.Name} {dims}");
        return new SafeTensorsEntry(name, type, dims, begin, end);
    }

    private static long[] ReadNumbers(ref Utf8JsonReader json, string name, int most)
    {
        var numbers = new List<long>();
        Expect(ref json, JsonTokenType.StartArray);
        while (Next(ref json) == JsonTokenType.Number)
        {
            if (numbers.Count == most)
                throw new FormatException($"tensor '{name}' has a list of more than {most} numbers");
            numbers.Add(json.GetInt64());
        }

        return json.TokenType == JsonTokenType.EndArray ? [.. numbers] : throw new FormatException($"tensor '{name}' has a {json.TokenType} where a number should be");
    }

    private static JsonTokenType Next(ref Utf8JsonReader json) => json.Read() ? json.TokenType : throw new FormatException("it ends too early");

    private static void Expect(ref Utf8JsonReader json, JsonTokenType type)
    {
        if (Next(ref json) != type)
            throw new FormatException($"a {json.TokenType} stands where a {type} should");
    }

    /// <summary>Tensors must follow one another without gap or overlap, from the data's first byte to its last.</summary>
    private static void CheckLayout(IReadOnlyList<SafeTensorsEntry> entries, long dataBytes, string path)
    {
        long expected = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != expected)
                throw Damaged(path, $"tensor '{entry.Name}' begins at {entry.Begin}, not where the one before it ends ({expected})");
            expected = entry.End;
        }

        if (expected != dataBytes)
            throw Damaged(path, $"its tensors are {expected:N0} bytes, what follows the header {dataBytes:N0}");
    }

    private static string Excerpt(string text) => text.Length <= 20 ? text : text[..20] + "…";

    private static ModelFileException Damaged(string path, string how) => new($"{path} is damaged or no safetensors file: {how}; get it again");
}
