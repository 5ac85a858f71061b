namespace Singa.Actors.Graph;

/// <summary>Tensors of arrays whose rank and element type are known only when they come.</summary>
internal static class ArrayReader
{
    public static Tensor Read(Array array)
    {
        var element = array.GetType().GetElementType()!;
        return element.IsArray ? Rows(array) : Type.GetTypeCode(element) switch
        {
            TypeCode.Single => Whole<float>(array),
            TypeCode.Double => Whole<double>(array),
            TypeCode.Int32 => Whole<int>(array),
            TypeCode.Int64 => Whole<long>(array),
            TypeCode.Byte => Whole<byte>(array),
            TypeCode.Boolean => Whole<bool>(array),
            _ => throw DTypes.NoElement(element),
        };
    }

    private static Tensor Whole<T>(Array array) where T : unmanaged
    {
        var shape = Shape.Of([.. Enumerable.Range(0, array.Rank).Select(array.GetLongLength)]);
        return Ops.Source.Create(new TensorType(DTypes.Of<T>(), shape), HostValues.Copy<T>(array));
    }

    // Rows of rows: the shape is the first one's, and every other must have it.
    private static Tensor Rows(Array array)
    {
        if (array.Rank != 1)
            throw new GraphException("an array of arrays has one dimension, and so have the arrays in it");
        var leaf = array.GetType();
        var dims = new List<long>();
        for (object? rows = array; leaf.IsArray; leaf = leaf.GetElementType()!)
        {
            if (leaf.GetArrayRank() != 1)
                throw new GraphException("an array of arrays has one dimension, and so have the arrays in it");
            dims.Add(((Array?)rows)?.LongLength ?? 0);
            rows = dims[^1] > 0 ? ((Array)rows!).GetValue(0) : null;
        }

        var shape = Shape.Of([.. dims]);
        var flat = Array.CreateInstance(leaf, shape.Count);
        long at = 0;
        Copy(array, 0, "");
        return Read(flat).Reshape(shape);

        void Copy(Array? row, int depth, string place)
        {
            if (row?.LongLength != dims[depth])
                throw new GraphException($"row {place.Trim()} has {row?.LongLength ?? 0} elements and the first of its kind {dims[depth]}: a tensor's rows are equally long");
            if (depth == dims.Count - 1)
            {
                Array.Copy(row, 0, flat, at, row.LongLength);
                at += row.LongLength;
                return;
            }

            for (int i = 0; i < row.Length; i++)
                Copy((Array?)row.GetValue(i), depth + 1, $"{place} [{i}]");
        }
    }
}
