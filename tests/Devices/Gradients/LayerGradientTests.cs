using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Every layer's gradient, with respect to its input and its parameters, against central differences in float64.</summary>
public sealed class LayerGradientTests
{
    private static readonly Dictionary<string, LayerCase> Cases = LayerCase.All().ToDictionary(c => c.ToString());

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Agrees_with_finite_differences(string name)
    {
        var (layer, shape) = Cases[name];
        var input = GraphRunner.Input(0, shape);
        var requests = new ModuleRequests();
        var output = layer.Apply(input, new ModuleContext(requests, DType.Float64, Seed: 3, Step: Constant.Create<int>([5], Shape.Scalar)));
        Differences.Check([input, .. requests.Parameters.Select(p => p.Tensor)], output);
    }

    [Theory]
    [MemberData(nameof(Norms))]
    public void Gradients_of_norms_have_gradients(Module layer, Shape shape)
    {
        var input = GraphRunner.Input(0, shape);
        var requests = new ModuleRequests();
        var output = layer.Apply(input, new ModuleContext(requests, DType.Float64, Seed: 3, Step: Constant.Create<int>([5], Shape.Scalar)));
        Tensor[] inputs = [input, .. requests.Parameters.Select(p => p.Tensor)];
        var gradients = Graph.Gradients.Of((output * output * output).SumAll(), inputs);
        Differences.Check(inputs, gradients.Aggregate(output.SumAll() * 0.1, (sum, g) => sum + (g * g).SumAll() * 0.01));
    }

    public static TheoryData<Module, Shape> Norms => new()
    {
        { new BatchNorm { Epsilon = 0.1 }, Shape.Of(3, 2, 2, 2) },
        { new LayerNorm { Epsilon = 0.1 }, Shape.Of(3, 4) },
        { new GroupNorm(2) { Epsilon = 0.1 }, Shape.Of(2, 4, 2, 2) },
    };
}
