using System.Text.Unicode;
using Google.Protobuf.Reflection;

namespace Singa.Actors.Graph.Onnx.Schema;

/// <summary>
/// Walks a message's bytes by its description without building anything: lengths within their surroundings, known fields of the right
/// kind, depth and memory within the limits. What passes can be parsed without surprises.
/// </summary>
internal ref struct WireCheck
{
    // What the parser's objects take, roughly and upwards.
    private const long MessageBytes = 256, ItemBytes = 32;

    private readonly OnnxLimits limits;
    private WireBytes data;
    private long memory;

    private WireCheck(WireBytes data, OnnxLimits limits)
    {
        this.data = data;
        this.limits = limits;
    }

    /// <exception cref="OnnxException">The bytes are no such message, or ask for too much.</exception>
    public static void Run(WireBytes data, MessageDescriptor type, OnnxLimits limits)
    {
        if (data.Length > limits.FileBytes)
            throw new OnnxException($"it has {data.Length:N0} bytes; {limits.FileBytes:N0} is the most");
        var check = new WireCheck(data, limits);
        check.Message(type, data.Length, 0);
    }

    private void Message(MessageDescriptor type, long end, int depth)
    {
        if (depth > limits.Depth)
            throw At($"messages nest more than {limits.Depth} deep");
        Take(MessageBytes);
        while (data.Position < end)
        {
            ulong tag = Varint(end);
            if (tag >> 3 is 0 or > int.MaxValue >> 3)
                throw At($"{tag} is no field's tag");
            var field = type.FindFieldByNumber((int)(tag >> 3));
            switch ((int)tag & 7)
            {
                case 0:
                    Varint(end);
                    Scalar(type, field, [FieldType.Int32, FieldType.Int64, FieldType.UInt64, FieldType.Enum]);
                    break;
                case 1:
                    Skip(8, end);
                    Scalar(type, field, [FieldType.Double]);
                    break;
                case 5:
                    Skip(4, end);
                    Scalar(type, field, [FieldType.Float]);
                    break;
                case 2:
                    Delimited(type, field, end, depth);
                    break;
                default:
                    throw At($"a field of {type.Name} has wire type {tag & 7}, which the format does not use");
            }
        }
    }

    private void Delimited(MessageDescriptor type, FieldDescriptor? field, long end, int depth)
    {
        ulong length = Varint(end);
        if (length > (ulong)(end - data.Position))
            throw At($"{field?.Name ?? "a field"} of {type.Name} says it has {length:N0} bytes and {end - data.Position:N0} are left");
        long inner = data.Position + (long)length;
        switch (field?.FieldType)
        {
            case null:
                break;
            case FieldType.Message:
                Message(field.MessageType, inner, depth + 1);
                return;
            case FieldType.String:
                Take(ItemBytes + 2 * (long)length);
                if (!Utf8.IsValid(data.Take((int)length)))
                    throw At($"{field.Name} of {type.Name} is no text");
                break;
            case FieldType.Bytes:
                Take(ItemBytes + (long)length);
                break;
            default:
                Packed(type, field, inner);
                break;
        }

        data.Skip(inner - data.Position);
    }

    private void Packed(MessageDescriptor type, FieldDescriptor field, long inner)
    {
        int size = field.FieldType switch { FieldType.Float => 4, FieldType.Double => 8, _ => 0 };
        if (!field.IsRepeated || (size > 0 && (inner - data.Position) % size != 0))
            throw At($"{field.Name} of {type.Name} is not as the format has it");
        if (size > 0)
        {
            Take(inner - data.Position);
            return;
        }

        while (data.Position < inner)
        {
            Varint(inner);
            Take(sizeof(long));
        }
    }

    private void Scalar(MessageDescriptor type, FieldDescriptor? field, ReadOnlySpan<FieldType> expected)
    {
        if (field is null)
            return;
        if (!expected.Contains(field.FieldType))
            throw At($"{field.Name} of {type.Name} is not as the format has it");
        if (field.IsRepeated)
            Take(sizeof(long));
    }

    private ulong Varint(long end)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (data.Position >= end)
                throw At("a number is cut off");
            byte next = data.Next();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw At("a number has more than 64 bits");
    }

    private void Skip(int bytes, long end)
    {
        if (end - data.Position < bytes)
            throw At("a number is cut off");
        data.Skip(bytes);
    }

    private void Take(long bytes)
    {
        memory += bytes;
        if (memory > limits.MemoryBytes)
            throw At($"reading it would take more than {limits.MemoryBytes >> 20:N0} MiB");
    }

    private readonly OnnxException At(string what) => new($"{what} (at byte {data.Position:N0})");
}
