using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>Values by hand.</summary>
public sealed class ArithmeticTests
{
    private static readonly Tensor Matrix = Tensor.From(new[,] { { 1f, -2, 3 }, { 4, 5, -6 } });
    private static readonly Tensor Row = Tensor.From([10f, 20, 30]);

    [Fact]
    public void Shapes_broadcast_and_scalars_stand_on_either_side()
    {
        Assert.Equal([11, 18, 33, 14, 25, 24], (Matrix + Row).ToArray<float>());
        Assert.Equal([9, 22, 27, 6, 15, 36], (Row - Matrix).ToArray<float>());
        Assert.Equal([11, 21, 12, 22], (Tensor.From([1f, 2]).Unsqueeze(1) + Row[..2]).ToArray<float>());
        Assert.Equal([3, 0, 5, 6, 7, -4], (2 + Matrix).ToArray<float>());
        Assert.Equal([1, 4, -1, -2, -3, 8], (2 - Matrix).ToArray<float>());
        Assert.Equal([0.5f, -1, 1.5f, 2, 2.5f, -3], (Matrix / 2).ToArray<float>());
        Assert.Equal([2, 1, 2 / 3f], (20 / Row).ToArray<float>());
        Assert.Equal([-1, 2, -3, -4, -5, 6], (-Matrix).ToArray<float>());
        Refused("Add: shapes [2, 3] and [2] do not broadcast: 3 against 2", () => Matrix + Tensor.From([1f, 2]));
        Refused("convert one of them", () => Matrix + Tensor.From([1.0]));
    }

    [Fact]
    public void Whole_numbers_are_added_multiplied_and_divided_as_such()
    {
        var (a, b) = (Tensor.From([7, -7, 2]), Tensor.From([2, 2, -3]));
        Assert.Equal([9, -5, -1], (a + b).ToArray<int>());
        Assert.Equal([14, -14, -6], (a * b).ToArray<int>());
        Assert.Equal([3, -3, 0], (a / b).ToArray<int>());
        Assert.Equal([7, 2, 2], a.Maximum(b).ToArray<int>());
        Assert.Equal([7, 7, 2], a.Abs().ToArray<int>());
        Assert.Equal([1, -1, 1], a.Sign().ToArray<int>());
        Assert.Equal([long.MaxValue - 1], (Tensor.From([long.MaxValue]) - 1).ToArray<long>());
        Assert.Equal([7 & 2, -7 & 2, 2 & -3], (a & b).ToArray<int>());
        Assert.Equal([7 | 2, -7 | 2, 2 | -3], (a | b).ToArray<int>());
        Assert.Equal([4, 0], (Tensor.From(new[,] { { 1, 3 }, { -2, 2 } }).Sum(1)).ToArray<int>());
        Refused("Exp takes floating numbers, not int32[3]: convert it first", () => a.Exp());
        Refused("Add takes floating numbers, int32 or int64, not uint8[1]: convert it first", () => Tensor.From([(byte)1]) + 1);
        Refused("the mean of int32[3]", () => a.Mean());
        Refused("Sum of bool[3]: convert it to int32 first", () => (a > 0).Sum());
    }

    [Fact]
    public void Comparisons_give_bools_that_choose_and_combine()
    {
        Assert.Equal([false, true, false, false, false, true], (Matrix < 0).ToArray<bool>());
        Assert.Equal([true, false, true, true, true, false], (Matrix >= 1).ToArray<bool>());
        Assert.Equal([false, false, true], (Row > Tensor.From([10f, 20, 29])).ToArray<bool>());
        Assert.Equal([true, true, false], (Row <= 20).ToArray<bool>());
        Assert.Equal([false, true, false], Row.EqualTo(20).ToArray<bool>());
        Assert.Equal([true, false, true], Row.NotEqualTo(20).ToArray<bool>());
        Assert.Equal([false, true, false], ((Row > 10) & (Row < 30)).ToArray<bool>());
        Assert.Equal([true, false, true], ((Row < 20) | (Row > 20)).ToArray<bool>());
        Assert.Equal([true, false, true], (!Row.EqualTo(20)).ToArray<bool>());
        Assert.Equal([false, true, false], ((Row > 0) ^ !((Row > 10) & (Row < 30))).ToArray<bool>());
        Assert.Equal([1, 20, 3, 4, 5, 30], Tensor.Where(Matrix < 0, Row, Matrix).ToArray<float>());
        Assert.Equal([1, 0, 3, 4, 5, 0], Tensor.Where(Matrix < 0, 0, Matrix).ToArray<float>());
        Assert.Equal([1, 9, 1, 1, 1, 9], Tensor.Where(Matrix > 0, Tensor.From(1L), 9).ToArray<long>());
        Assert.Equal([false, true], Tensor.From([1, float.NaN]).IsNaN().ToArray<bool>());
        Assert.Equal((true, false), ((Matrix > 4).Any().ToScalar<bool>(), (Matrix > 4).All().ToScalar<bool>()));
        Assert.Equal([false, true], (Matrix > 3).Any(1).ToArray<bool>());
        Refused("Where takes a bool condition, not float32[2, 3]", () => Tensor.Where(Matrix, Matrix, Matrix));
        Refused("! is of bool tensors, not of float32[3]", () => !Row);
        Refused("&, | and ^ are of bool, int32 and int64 tensors, not of float32[3]", () => Row & Row);
    }

    [Fact]
    public void Types_convert()
    {
        var x = Tensor.From([-1.7, 0, 2.9]);
        Assert.Equal([-1, 0, 2], x.Convert(DType.Int32).ToArray<int>());
        Assert.Equal([-1L, 0, 2], x.Convert(DType.Int64).ToArray<long>());
        Assert.Equal([-1.7f, 0, 2.9f], x.Convert(DType.Float32).ToArray<float>());
        Assert.Equal([true, false, true], x.Convert(DType.Bool).ToArray<bool>());
        Assert.Equal([(byte)0, (byte)2], x[1..].Convert(DType.UInt8).ToArray<byte>());
        Assert.Equal([0f, 200], Tensor.From([(byte)0, (byte)200]).Convert(DType.Float32).ToArray<float>());
        Assert.Equal([1, 0], Tensor.From([true, false]).Convert(DType.Int32).ToArray<int>());
        Assert.Equal([(byte)1, (byte)0], Tensor.From([true, false]).Convert(DType.UInt8).ToArray<byte>());
    }

    public static TheoryData<string> Functions => [.. Table.Keys];

    private static readonly Dictionary<string, (Func<Tensor, Tensor> Of, Func<double, double> Exact, double[] At)> Table = new()
    {
        ["Abs"] = (x => x.Abs(), Math.Abs, [-2, 0, 3]),
        ["Square"] = (x => x.Square(), x => x * x, [-2, 0, 3]),
        ["Sqrt"] = (x => x.Sqrt(), Math.Sqrt, [0, 2, 9]),
        ["Reciprocal"] = (x => x.Reciprocal(), x => 1 / x, [-2, 4]),
        ["Floor"] = (x => x.Floor(), Math.Floor, [-1.5, 1.5]),
        ["Ceil"] = (x => x.Ceil(), Math.Ceiling, [-1.5, 1.5]),
        ["Round"] = (x => x.Round(), x => Math.Round(x, MidpointRounding.ToEven), [-1.5, 0.5, 2.4]),
        ["Exp"] = (x => x.Exp(), Math.Exp, [-3, 0, 2]),
        ["Log"] = (x => x.Log(), Math.Log, [0.5, 1, 7]),
        ["Log1p"] = (x => x.Log1p(), x => x < 1e-5 ? x - x * x / 2 + x * x * x / 3 : Math.Log(1 + x), [1e-9, 0.5, 7]),
        ["Sin"] = (x => x.Sin(), Math.Sin, [-1, 0.5, 4]),
        ["Cos"] = (x => x.Cos(), Math.Cos, [-1, 0.5, 4]),
        ["Tan"] = (x => x.Tan(), Math.Tan, [-1, 0.5]),
        ["Asin"] = (x => x.Asin(), Math.Asin, [-0.9, 0.5]),
        ["Acos"] = (x => x.Acos(), Math.Acos, [-0.9, 0.5]),
        ["Atan"] = (x => x.Atan(), Math.Atan, [-3, 0.5]),
        ["Sinh"] = (x => x.Sinh(), Math.Sinh, [-3, 0.5]),
        ["Cosh"] = (x => x.Cosh(), Math.Cosh, [-3, 0.5]),
        ["Tanh"] = (x => x.Tanh(), Math.Tanh, [-3, 0.5]),
        ["Asinh"] = (x => x.Asinh(), Math.Asinh, [-3, 0.5]),
        ["Acosh"] = (x => x.Acosh(), Math.Acosh, [1.5, 3]),
        ["Atanh"] = (x => x.Atanh(), Math.Atanh, [-0.9, 0.5]),
        ["Erf"] = (x => x.Erf(), x => x == 0 ? 0 : 0.8427007929497149 * Math.Sign(x), [-1, 0, 1]),
        ["Sigmoid"] = (x => x.Sigmoid(), x => 1 / (1 + Math.Exp(-x)), [-3, 0, 2]),
        ["LogSigmoid"] = (x => x.LogSigmoid(), x => -Math.Log(1 + Math.Exp(-x)), [-3, 0, 2]),
        ["Softplus"] = (x => x.Softplus(), x => Math.Log(1 + Math.Exp(x)), [-3, 0, 2]),
        ["Softsign"] = (x => x.Softsign(), x => x / (1 + Math.Abs(x)), [-3, 0, 2]),
        ["Relu"] = (x => x.Relu(), x => Math.Max(x, 0), [-3, 0, 2]),
        ["Relu6"] = (x => x.Relu6(), x => Math.Clamp(x, 0, 6), [-3, 2, 7]),
        ["LeakyRelu"] = (x => x.LeakyRelu(0.2), x => x < 0 ? 0.2 * x : x, [-3, 2]),
        ["Elu"] = (x => x.Elu(0.5), x => x < 0 ? 0.5 * (Math.Exp(x) - 1) : x, [-3, 2]),
        ["Selu"] = (x => x.Selu(), x => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * (Math.Exp(x) - 1) : x), [-3, 2]),
        ["Gelu at 1"] = (x => x.Gelu(), x => x * 0.5 * (1 + 0.6826894921370859 * Math.Sign(x)), [-1, 1]),
        ["Gelu with tanh"] = (x => x.Gelu(approximate: true), x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))), [-1, 2]),
        ["Silu"] = (x => x.Silu(), x => x / (1 + Math.Exp(-x)), [-3, 2]),
        ["Mish"] = (x => x.Mish(), x => x * Math.Tanh(Math.Log(1 + Math.Exp(x))), [-3, 2]),
        ["HardSigmoid"] = (x => x.HardSigmoid(), x => Math.Clamp(0.2 * x + 0.5, 0, 1), [-3, 1, 3]),
        ["HardSwish"] = (x => x.HardSwish(), x => x * Math.Clamp(x / 6 + 0.5, 0, 1), [-4, 1, 4]),
        ["HardTanh"] = (x => x.HardTanh(), x => Math.Clamp(x, -1, 1), [-4, 0.5, 4]),
        ["Pow 0"] = (x => x.Pow(0), _ => 1, [0, double.NaN]),
        ["Pow 0.5"] = (x => x.Pow(0.5), Math.Sqrt, [2]),
        ["Pow 3"] = (x => x.Pow(3), x => x * x * x, [-2, 0, 1.5]),
        ["Pow 13"] = (x => x.Pow(13), x => Math.Pow(x, 13), [-2, 0, 1.5]),
        ["Pow -2"] = (x => x.Pow(-2), x => 1 / (x * x), [-2, 1.5]),
        ["Pow 2.7"] = (x => x.Pow(2.7), x => Math.Pow(x, 2.7), [0, 1.5, 10]),
        ["Pow 21"] = (x => x.Pow(21), x => Math.Pow(x, 21), [-1.5, 0, 1.1]),
        ["Clip"] = (x => x.Clip(-1, 2), x => Math.Clamp(x, -1, 2), [-3, 0, 3]),
    };

    [Theory]
    [MemberData(nameof(Functions))]
    public void Functions_have_their_values(string name)
    {
        var (of, exact, at) = Table[name];
        double[] values = of(Tensor.From(at)).ToArray<double>();
        Assert.All(at.Zip(values), p => Assert.True(Math.Abs(exact(p.First) - p.Second) <= 2e-13 * Math.Max(1, Math.Abs(p.Second)), $"{p.Second} at {p.First}, not {exact(p.First)}"));
        Assert.Equal(at.Length, of(Tensor.From(at).Convert(DType.Float32)).ToArray<float>().Length);
    }

    private static void Refused(string sentence, Func<object> act) => Assert.Contains(sentence, Assert.Throws<GraphException>(act).Message);
}
