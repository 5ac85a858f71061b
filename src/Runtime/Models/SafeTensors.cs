using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Models;

/// <summary>
/// The safetensors format: the header's length (8 bytes), a JSON header, the data. Nothing of a date or a machine goes in, so equal
/// weights with equal metadata are equal files.
/// </summary>
public static class SafeTensors
{
    internal const string MetadataKey = "__metadata__";

    /// <summary>The data begins at a multiple of this: readers may map it. The header is filled with blanks, as the format allows.</summary>
    private const int Alignment = 8;

    /// <param name="tensors">In any order; the file has them in ordinal order of names.</param>
    /// <exception cref="ArgumentException">A name stands twice or is reserved, or data does not fit its type.</exception>
    public static void Write(Stream target, IEnumerable<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderBy(t => t.Name, StringComparer.Ordinal).ToArray();
        Check(ordered);
        target.Write(Header(ordered, metadata ?? new Dictionary<string, string>()));
        foreach (var tensor in ordered)
            target.Write(tensor.Data.Span);
    }

    /// <summary>Writes beside the target and moves it there when it is whole: whoever finds the file finds all of it.</summary>
    public static void Save(string path, IEnumerable<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        string unfinished = path + ".part";
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
        {
            Write(file, tensors, metadata);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <exception cref="ModelFileException">The file is missing, damaged or no safetensors.</exception>
    public static SafeTensorsFile Load(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            return SafeTensorsReader.Read(file, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>All that stands before the data: the header's length and the header, for data in just this order.</summary>
    internal static byte[] Header(NamedTensor[] tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[sizeof(long)]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var tensor in tensors)
                WriteEntry(json, tensor, ref offset);
            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
            buffer.WriteByte((byte)' ');
        var header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - sizeof(long));
        return header;
    }

    private static void WriteEntry(Utf8JsonWriter json, NamedTensor tensor, ref long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Type.DType.SafetensorsName());
        json.WriteStartArray("shape");
        foreach (long size in tensor.Type.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset += tensor.Data.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Check(NamedTensor[] ordered)
    {
        for (int i = 0; i < ordered.Length; i++)
        {
            var (name, type, data) = ordered[i];
            if (name == MetadataKey || (i > 0 && ordered[i - 1].Name == name))
                throw new ArgumentException($"tensor name '{name}' is {(name == MetadataKey ? "reserved" : "used twice")}");
            if (data.Length != type.Bytes)
                throw new ArgumentException($"tensor '{name}' of {type} needs {type.Bytes} bytes, not {data.Length}");
        }
    }
}
