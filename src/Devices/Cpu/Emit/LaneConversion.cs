using System.Reflection.Emit;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>value of one type → value of another, as Convert means it.</summary>
internal static class LaneConversion
{
    public static void Emit(ILGenerator il, Simd from, DType source, Simd to, DType target)
    {
        if (source == target || source == DType.BFloat16)
            return;
        if (target == DType.BFloat16)
            HalfLanes.Round(il, to.Width);
        else if (target == DType.Bool)
            NotZero(il, from);
        else if (to.Width is null)
            Scalar(il, from, source, target);
        else if (source == DType.Bool)
            MaskToNumber(il, from, to);
        else if (source.IsFloat())
            from.ToInteger(il);
        else if (target.IsFloat())
            from.ToFloating(il);
    }

    private static void NotZero(ILGenerator il, Simd from)
    {
        from.Constant(il, 0);
        from.Equal(il);
        from.NotMask(il);
    }

    // A mask with the bits of one is one where true and zero elsewhere.
    private static void MaskToNumber(ILGenerator il, Simd mask, Simd to)
    {
        to.Constant(il, 1);
        if (to.DType.IsFloat())
            to.AsInteger(il);
        mask.And(il);
        if (to.DType.IsFloat())
            mask.AsFloating(il);
    }

    private static void Scalar(ILGenerator il, Simd from, DType source, DType target)
    {
        switch (target)
        {
            case DType.Float32:
                il.Emit(OpCodes.Conv_R4);
                break;
            case DType.Float64:
                il.Emit(OpCodes.Conv_R8);
                break;
            case DType.Int64 when source.IsFloat():
                from.ToIntegerScalar(il, typeof(long));
                break;
            case DType.Int64:
                il.Emit(OpCodes.Conv_I8);
                break;
            default:
                if (source.IsFloat())
                    from.ToIntegerScalar(il, typeof(int));
                else
                    il.Emit(OpCodes.Conv_I4);
                if (target == DType.UInt8)
                    il.Emit(OpCodes.Conv_U1);
                break;
        }
    }
}
