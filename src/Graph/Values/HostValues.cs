using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Singa.Actors.Graph;

/// <summary>Values in managed memory, in pieces: no single array holds a tensor of more than 2^31 elements.</summary>
internal sealed class HostValues<T>(ImmutableArray<ReadOnlyMemory<T>> pieces) : TensorValues where T : unmanaged
{
    public override long Bytes { get; } = pieces.Sum(p => (long)p.Length) * Unsafe.SizeOf<T>();

    public override void CopyTo(long offset, Span<byte> target)
    {
        Check(offset, target.Length);
        long element = offset / Unsafe.SizeOf<T>();
        var into = MemoryMarshal.Cast<byte, T>(target);
        foreach (var piece in pieces)
        {
            if (into.IsEmpty)
                return;
            if (element >= piece.Length)
            {
                element -= piece.Length;
                continue;
            }

            var from = piece.Span[(int)element..];
            int count = Math.Min(from.Length, into.Length);
            from[..count].CopyTo(into);
            into = into[count..];
            element = 0;
        }
    }
}

/// <summary>Makes values of what people have in their hands.</summary>
internal static class HostValues
{
    // Elements of one piece: far below what an array can hold, and a copy of one piece is no burden.
    private const int PieceMax = 1 << 28;

    public static TensorValues Copy<T>(ReadOnlySpan<T> values) where T : unmanaged => new HostValues<T>([values.ToArray()]);

    public static TensorValues Copy<T>(IEnumerable<ReadOnlyMemory<T>> pieces) where T : unmanaged =>
        new HostValues<T>([.. pieces.Select(p => (ReadOnlyMemory<T>)p.ToArray())]);

    /// <summary>All elements of an array of any rank, row by row.</summary>
    public static TensorValues Copy<T>(Array array) where T : unmanaged
    {
        var pieces = ImmutableArray.CreateBuilder<ReadOnlyMemory<T>>();
        ref byte first = ref MemoryMarshal.GetArrayDataReference(array);
        for (long done = 0; done < array.LongLength; done += PieceMax)
        {
            int count = (int)Math.Min(PieceMax, array.LongLength - done);
            ref byte from = ref Unsafe.AddByteOffset(ref first, (nint)(done * Unsafe.SizeOf<T>()));
            pieces.Add(MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref from), count).ToArray());
        }

        return new HostValues<T>(pieces.ToImmutable());
    }
}
