using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// Constants of programs in vectors of 256 bits and less, as memory. Sixteen registers are few: the JIT would keep constants in them and the
/// values of a polynomial's chain in memory. What is marked volatile it does not keep.
/// </summary>
internal static unsafe class ConstantPool
{
    private const int SlotBytes = 32, Slots = 2048;

    private static readonly byte[] Memory = GC.AllocateArray<byte>((Slots + 2) * SlotBytes, pinned: true);
    private static readonly Dictionary<(long Bits, int Size), int> Known = [];
    private static readonly byte* Base = Aligned((byte*)Unsafe.AsPointer(ref Memory[0]));

    /// <summary>Where the pool is, in a local of its own.</summary>
    public static LocalBuilder Begin(ILGenerator il)
    {
        var pool = il.DeclareLocal(typeof(nint));
        // Its own address is the first thing in it: a number would be folded into each use, and takes an instruction there.
        *(byte**)Base = Base;
        il.Emit(OpCodes.Ldc_I8, (long)Base);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Volatile);
        il.Emit(OpCodes.Ldind_I);
        il.Emit(OpCodes.Stloc, pool);
        return pool;
    }

    /// <summary>→ a value with the constant in every lane.</summary>
    public static void Load(ILGenerator il, LocalBuilder pool, Simd simd, double value)
    {
        if (Place(simd, value) is not { } place)
        {
            simd.Constant(il, value);
            return;
        }

        il.Emit(OpCodes.Ldloc, pool);
        il.Emit(OpCodes.Ldc_I4, place);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Volatile);
        simd.Load(il);
    }

    /// <summary>Null where the pool is full.</summary>
    private static int? Place(Simd simd, double value)
    {
        long bits = simd.DType switch
        {
            DType.Float32 => BitConverter.SingleToInt32Bits((float)value),
            DType.Float64 => BitConverter.DoubleToInt64Bits(value),
            DType.Int32 => (int)value,
            _ => (long)value,
        };
        int size = simd.DType.Size();
        lock (Known)
        {
            if (Known.TryGetValue((bits, size), out int place))
                return place;
            if (Known.Count == Slots)
                return null;
            place = (Known.Count + 1) * SlotBytes;
            for (int i = 0; i < SlotBytes; i += size)
                new ReadOnlySpan<byte>(&bits, size).CopyTo(new Span<byte>(Base + place + i, size));
            return Known[(bits, size)] = place;
        }
    }

    private static byte* Aligned(byte* memory) => (byte*)(((nint)memory + SlotBytes - 1) / SlotBytes * SlotBytes);
}
