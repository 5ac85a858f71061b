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
}
