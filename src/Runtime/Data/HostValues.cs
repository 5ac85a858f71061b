using System.Runtime.InteropServices;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// Values in an array of the host, of any element type: where one of these is asked for, the array itself (or a single number) can be
/// given. Nothing is copied.
/// </summary>
public abstract class HostValues
{
    private protected HostValues(DType type, int count) => (DType, Count) = (type, count);

    public DType DType { get; }

    public int Count { get; }

    /// <summary>Some values, as the bytes they are in memory.</summary>
    public abstract ReadOnlySpan<byte> Bytes(int first, int count);

    public static HostValues Of<T>(ReadOnlyMemory<T> values) where T : unmanaged => new Typed<T>(values);

    public static implicit operator HostValues(float[] values) => Of<float>(values);

    public static implicit operator HostValues(double[] values) => Of<double>(values);

    public static implicit operator HostValues(int[] values) => Of<int>(values);

    public static implicit operator HostValues(long[] values) => Of<long>(values);

    public static implicit operator HostValues(byte[] values) => Of<byte>(values);

    public static implicit operator HostValues(bool[] values) => Of<bool>(values);

    public static implicit operator HostValues(ReadOnlyMemory<float> values) => Of(values);

    public static implicit operator HostValues(ReadOnlyMemory<int> values) => Of(values);

    public static implicit operator HostValues(int value) => new[] { value };

    public static implicit operator HostValues(float value) => new[] { value };

    private sealed class Typed<T>(ReadOnlyMemory<T> values) : HostValues(DTypes.Of<T>(), values.Length) where T : unmanaged
    {
        public override ReadOnlySpan<byte> Bytes(int first, int count) => MemoryMarshal.AsBytes(values.Span.Slice(first, count));
    }
}
