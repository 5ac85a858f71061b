using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>Values of samples that come one after the other, kept in pieces so that growing copies nothing.</summary>
internal sealed class SampleBuffer(int each)
{
    private const int PieceBytes = 1 << 20;

    private readonly List<byte[]> pieces = [];
    private int perPiece;

    public DType? DType { get; private set; }

    /// <summary>Samples so far.</summary>
    public int Count { get; private set; }

    /// <summary>Null, or why the values are none of a sample here.</summary>
    public string? Add(HostValues? values)
    {
        if (values is null || values.Count != each)
            return $"has {values?.Count ?? 0:N0} values, not {each:N0}";
        DType ??= values.DType;
        if (values.DType != DType)
            return $"is {values.DType} where the first is {DType}";
        if ((long)(Count + 1) * each > int.MaxValue)
            return $"is one too many: more than {int.MaxValue:N0} values are not kept in memory; put them in files";
        var bytes = values.Bytes(0, each);
        if (pieces.Count == 0)
            perPiece = Math.Max(1, PieceBytes / bytes.Length);
        if (Count % perPiece == 0)
            pieces.Add(new byte[checked(perPiece * bytes.Length)]);
        bytes.CopyTo(pieces[^1].AsSpan(Count++ % perPiece * bytes.Length));
        return null;
    }

    public HostValues ToValues() => new Pieces(DType ?? Graph.DType.Float32, Count * each, [.. pieces], perPiece * each);

    private sealed class Pieces(DType type, int count, byte[][] pieces, int perPiece) : HostValues(type, count)
    {
        /// <summary>Whole samples lie in one piece.</summary>
        public override ReadOnlySpan<byte> Bytes(int first, int count)
        {
            int size = DType.Size();
            return pieces[first / perPiece].AsSpan(first % perPiece * size, count * size);
        }
    }
}
