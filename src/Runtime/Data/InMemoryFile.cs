using System.Globalization;
using System.Runtime.InteropServices;
using Singa.Actors.Collective;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Data;

/// <summary>A host's arrays as nodes fetch them: safetensors, read where the arrays lie.</summary>
internal static class InMemoryFile
{
    private const string SampleKey = "sample", LabelKey = "label", ClassesKey = "classes";
    private const string TrainInputs = "train.inputs", TrainLabels = "train.labels", TestInputs = "test.inputs", TestLabels = "test.labels";

    public static Blob Blob(InMemoryData data)
    {
        (string Name, HostValues Values)[] arrays =
        [
            .. new (string, HostValues?)[] { (TestInputs, data.TestInputs), (TestLabels, data.TestLabels), (TrainInputs, data.TrainInputs), (TrainLabels, data.TrainLabels) }
                .Where(a => a.Item2 is not null).Select(a => (a.Item1, a.Item2!)),
        ];
        var header = Header(data, arrays);
        long length = header.Length + arrays.Sum(a => Bytes(a.Values));
        return new Blob(length, (offset, into) => Read(header, arrays, offset, into));
    }

    /// <exception cref="JobRefusedException">It is no such file.</exception>
    public static InMemoryData Read(ReadOnlyMemory<byte> bytes, string name)
    {
        try
        {
            using var stream = new MemoryStream(bytes.ToArray(), writable: false);
            var file = SafeTensorsReader.Read(stream, name);
            var values = file.Tensors.ToDictionary(t => t.Name, Values);
            return new InMemoryData
            {
                Sample = Parse(file.Metadata[SampleKey]),
                Label = Parse(file.Metadata[LabelKey]),
                Classes = int.Parse(file.Metadata[ClassesKey], CultureInfo.InvariantCulture),
                TrainInputs = values[TrainInputs],
                TrainLabels = values[TrainLabels],
                TestInputs = values.GetValueOrDefault(TestInputs),
                TestLabels = values.GetValueOrDefault(TestLabels),
            };
        }
        catch (Exception e) when (e is ModelFileException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new JobRefusedException($"what was fetched as the samples {name} is none: {e.Message}", e);
        }
    }

    private static byte[] Header(InMemoryData data, (string Name, HostValues Values)[] arrays)
    {
        // Only lengths go into a header; the values are read when they are asked for.
        using var lengths = new Lengths(arrays.Max(a => Bytes(a.Values)));
        return SafeTensors.Header(
            [.. arrays.Select(a => new NamedTensor(a.Name, new TensorType(a.Values.DType, Shape.Of(a.Values.Count)), lengths.Memory[..(int)Bytes(a.Values)]))],
            new Dictionary<string, string>
            {
                [SampleKey] = string.Join(' ', data.Sample),
                [LabelKey] = string.Join(' ', data.Label),
                [ClassesKey] = data.Classes.ToString(CultureInfo.InvariantCulture),
            });
    }

    private static void Read(byte[] header, (string Name, HostValues Values)[] arrays, long offset, Span<byte> into)
    {
        Take(header, ref offset, ref into);
        foreach (var (_, values) in arrays)
            Take(values.Bytes(0, values.Count), ref offset, ref into);
    }

    private static void Take(ReadOnlySpan<byte> part, ref long offset, ref Span<byte> into)
    {
        if (offset < part.Length && !into.IsEmpty)
        {
            var piece = part[(int)offset..];
            piece = piece[..Math.Min(piece.Length, into.Length)];
            piece.CopyTo(into);
            into = into[piece.Length..];
            offset += piece.Length;
        }

        offset -= part.Length;
    }

    private static long Bytes(HostValues values) => (long)values.Count * values.DType.Size();

    private static Shape Parse(string text) =>
        Shape.Of([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(d => long.Parse(d, CultureInfo.InvariantCulture))]);

    private static HostValues Values(NamedTensor tensor) => tensor.Type.DType switch
    {
        DType.Float32 => Of<float>(tensor),
        DType.Float64 => Of<double>(tensor),
        DType.Int32 => Of<int>(tensor),
        DType.Int64 => Of<long>(tensor),
        DType.UInt8 => Of<byte>(tensor),
        DType.Bool => Of<bool>(tensor),
        var other => throw new FormatException($"{tensor.Name} is of {other}"),
    };

    private static HostValues Of<T>(NamedTensor tensor) where T : unmanaged => HostValues.Of<T>(MemoryMarshal.Cast<byte, T>(tensor.Data.Span).ToArray());

    /// <summary>Memory of which nobody looks at anything but the length.</summary>
    private sealed unsafe class Lengths(long bytes) : System.Buffers.MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(null, 0);

        public override Memory<byte> Memory => CreateMemory(checked((int)bytes));

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
