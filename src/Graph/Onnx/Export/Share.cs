using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// A literal that depends on the number of samples n: a quotient of two <see cref="Extent"/>s, as the mean over a batch has one. Where the
/// divisor is 0 it is <c>IsOneForNone</c> ? 1 : what dividing gives.
/// </summary>
internal readonly record struct Share(Extent Over, Extent Under, bool IsOneForNone)
{
    private const int NumeratorMax = 64;

    /// <summary>From the values at two numbers of samples, found again to the bit; of several that fit the plainest. Null where it is something else.</summary>
    public static Share? Through(double first, double second, (int First, int Second) samples)
    {
        // 1 / (a·n + b); m / (m − 1), an unbiased figure of m values; a·n + b; and then k / (a·n + b).
        var less = Line(1 / (first - 1), 1 / (second - 1));
        return Over(1) ?? (less is { } of ? Fits(new Share(of with { Fixed = of.Fixed + 1 }, of, true)) : null)
            ?? (Line(first, second) is { } line ? Fits(new Share(line, new Extent(0, 1), false)) : null)
            ?? Enumerable.Range(2, NumeratorMax - 1).Select(k => Over(k)).FirstOrDefault(share => share is not null);

        Share? Over(int k) => Line(k / first, k / second) is { } under ? Fits(new Share(new Extent(0, k), under, false)) : null;

        Extent? Line(double a, double b) => double.IsFinite(a) && double.IsFinite(b) && Math.Max(Math.Abs(a), Math.Abs(b)) < 1L << 50
            ? Extent.Through((long)Math.Round(a), (long)Math.Round(b), samples) : null;

        Share? Fits(Share share) => share.At(samples.First).Equals(first) && share.At(samples.Second).Equals(second) ? share : null;
    }

    public double At(long samples)
    {
        double under = Under.At(samples);
        return under == 0 && IsOneForNone ? 1 : Over.At(samples) / under;
    }

    public Written ToWritten(DType type) => new Written("Share").With(
        Attributes.Ints("over", Over.Each, Over.Fixed), Attributes.Ints("under", Under.Each, Under.Fixed), Attributes.Int("one_for_none", IsOneForNone ? 1 : 0),
        Attributes.Int("to", (int)ElementTypes.Of(type))) with { Domain = FunctionDraft.SingaDomain, Body = Body };

    private static FunctionProto Body => new FunctionDraft(["count"], ["share"], "over", "under", "one_for_none", "to")
        .Node("over = Constant()", Attributes.Of("value_ints", AttributeProto.Types.AttributeType.Ints, "over"))
        .Node("under = Constant()", Attributes.Of("value_ints", AttributeProto.Types.AttributeType.Ints, "under"))
        .Node("special = Constant()", Attributes.Of("value_int", AttributeProto.Types.AttributeType.Int, "one_for_none"))
        .Longs("ones", 1, 1).Longs("one", 1).Longs("zero", 0)
        .Node("oe, of = Split(over, ones)").Node("om = Mul(oe, count)").Node("o = Add(om, of)")
        .Node("ue, uf = Split(under, ones)").Node("um = Mul(ue, count)").Node("u = Add(um, uf)")
        .Node("none = Equal(u, zero)").Node("wanted = Equal(special, one)").Node("replaced = And(none, wanted)")
        .Node("a = Where(replaced, one, o)").Node("b = Where(replaced, one, u)")
        .Node("x = Cast(a)", Attributes.Int("to", (int)ElementType.Double)).Node("y = Cast(b)", Attributes.Int("to", (int)ElementType.Double))
        .Node("q = Div(x, y)").Node("scalar = Squeeze(q, zero)")
        .Node("share = Cast(scalar)", Attributes.Of("to", AttributeProto.Types.AttributeType.Int, "to")).Function;
}
