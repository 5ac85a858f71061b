using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>Types of values in short, as in <c>float32</c> (a tensor's) or <c>seq(int64)</c>.</summary>
internal static class TypeName
{
    /// <summary>Null where the type says nothing that is compared.</summary>
    public static string? Of(TypeProto? type) => type?.ValueCase switch
    {
        TypeProto.ValueOneofCase.TensorType => Of(type.TensorType.ElemType),
        TypeProto.ValueOneofCase.SequenceType => Within("seq", Of(type.SequenceType.ElemType)),
        TypeProto.ValueOneofCase.OptionalType => Within("optional", Of(type.OptionalType.ElemType)),
        TypeProto.ValueOneofCase.MapType => Within("map", Of(type.MapType.KeyType), Of(type.MapType.ValueType)),
        _ => null,
    };

    public static string? Of(long element) => element is > 0 and <= int.MaxValue && ElementTypes.IsKnown((int)element) ? ((ElementType)element).Name() : null;

    private static string? Within(string kind, params string?[] inner) => inner.Contains(null) ? null : $"{kind}({string.Join(',', inner)})";
}
