using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Brings what was computed in a type's storage to the values that the type has: integers wrap, floating numbers are rounded to nearest, ties to even.</summary>
internal static class Narrowing
{
    public static Tensor To(ElementType element, Tensor tensor)
    {
        if (tensor.DType != element.Storage())
            tensor = tensor.Convert(element.Storage());
        if (element.Format() is { } format)
            return Pointwise.Apply($"To{element}", a => Overflowing(format, Rounded(format, a[0])), tensor);
        return element switch
        {
            ElementType.UInt32 => Pointwise.Apply("ToUInt32", a => a[0] & (double)uint.MaxValue, tensor),
            _ when element.Storage() == DType.Int32 && element.IsUnsigned() => Pointwise.Apply($"To{element}", a => a[0] & element.Range().High, tensor),
            _ when element.Storage() == DType.Int32 && element.Bits() < 32 =>
                Pointwise.Apply($"To{element}", a => (a[0] << (32 - element.Bits())) >> (32 - element.Bits()), tensor),
            _ => tensor,
        };
    }

    /// <summary>To the nearest number with the format's mantissa, whatever its size.</summary>
    public static Scalar Rounded(FloatFormat format, Scalar x)
    {
        // The unit of the last place: a power of two by the number's exponent. float32's own smallest exponent is the floor.
        var exponent = Fn.Max(Fn.ReinterpretInt(Fn.Abs(x)) >> 23, Math.Max(format.SmallestExponent + 127, format.MantissaBits + 1));
        var unit = Fn.ReinterpretFloat((exponent - (double)format.MantissaBits) << 23);
        return Fn.Select(Fn.Abs(x) <= float.MaxValue, Fn.Round(x / unit) * unit, x);
    }

    private static Scalar Overflowing(FloatFormat format, Scalar x)
    {
        double beyond = format.HasInfinity ? double.PositiveInfinity : format.HasNaN ? double.NaN : format.Largest;
        return Fn.Select(x > format.Largest, beyond, Fn.Select(x < -(double)format.Largest, -beyond, x));
    }

    /// <summary>As <see cref="To"/>, with what is too large becoming the largest number.</summary>
    public static Tensor Saturated(ElementType element, Tensor tensor)
    {
        tensor = tensor.Convert(DType.Float32);
        var format = element.Format()!;
        // A format without a NaN has −0 in its place.
        return Pointwise.Apply($"To{element}", a => Fn.Select(Fn.NotEqual(a[0], a[0]), format.HasNaN ? double.NaN : -0.0, Fn.Clamp(Rounded(format, a[0]), -format.Largest, format.Largest)), tensor);
    }
}
