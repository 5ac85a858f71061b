namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Every op's gradient against central differences in float64.</summary>
public sealed class GradientTests
{
    private static readonly Dictionary<string, GradientCase> Cases = GradientCase.All().ToDictionary(c => c.ToString());

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Agrees_with_finite_differences(string name)
    {
        var it = Cases[name];
        var inputs = it.Shapes.Select((s, i) => GraphRunner.Input(i, s)).ToArray();
        Differences.Check(inputs, it.Build(inputs), it.Low, it.High);
    }
}
