using System.Globalization;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class TensorTextTests
{
    [Fact]
    public void Numbers_stand_in_columns()
    {
        Assert.Equal("float32[2, 3]:\n[[ 1.00, -2.50,  3.00],\n [10.25,  0.00, -0.50]]", Tensor.From(new[,] { { 1f, -2.5f, 3 }, { 10.25f, 0, -0.5f } }).Show());
        Assert.Equal("int32[3]: [ 1, -2, 10]", Tensor.From([1, -2, 10]).Show());
        Assert.Equal("bool[2]: [ true, false]", Tensor.From([true, false]).Show());
        Assert.Equal("float64[3]: [ NaN,  inf, -inf]", Tensor.From([double.NaN, double.PositiveInfinity, double.NegativeInfinity]).Show());
        Assert.Equal("float64[2]: [1.2346, 2.0000]", Tensor.From([1.23456789, 2]).Show());
        Assert.Equal("float32[2]: [1, 2]", Tensor.From([1f, 2]).Show());
        Assert.Equal("float64[2]: [1.2346e-07, 2.0000e+00]", Tensor.From([1.23456789e-7, 2]).Show());
        Assert.Equal("float32[]: 0.1", Tensor.From(0.1f).Show());
        Assert.Equal("float64[]: 0.30000000000000004", Tensor.From(0.1 + 0.2).Show());
        Assert.Equal("float32[2, 0]: no elements", Tensor.Zeros(2, 0).Show());
        Assert.Equal("int32[2, 2, 1]:\n[[[0],\n  [1]],\n\n [[2],\n  [3]]]", Tensor.Arange(4).Reshape(2, 2, 1).Show());
    }

    [Fact]
    public void Of_large_tensors_the_corners()
    {
        Assert.Equal("int32[1000]: [  0,   1,   2, …, 997, 998, 999]", Tensor.Arange(1000).Show());
        Assert.Equal("int32[100, 3]:\n[[  0,   1,   2],\n [  3,   4,   5],\n [  6,   7,   8],\n …,\n [291, 292, 293],\n [294, 295, 296],\n [297, 298, 299]]", Tensor.Arange(300).Reshape(100, 3).Show());
        Assert.InRange(Tensor.Zeros(2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3).Show().Length, 1, 20000);
        Assert.InRange(Tensor.Zeros(50, 50, 50, 50).Show().Length, 1, 20000);
    }

    [Fact]
    public void No_culture_changes_it()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            german.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = german;
            Assert.Equal("float32[2]: [0.5, 1.0]", Tensor.From([0.5f, 1]).Show());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Text_for_debuggers_computes_nothing()
    {
        var x = Tensor.From([1f, 2]);
        Assert.Equal("float32[2]: [1, 2]", x.ToString());
        Assert.Equal("float32[2] of Exp", x.Exp().ToString());
    }
}
