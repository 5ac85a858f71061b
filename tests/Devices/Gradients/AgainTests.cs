using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>Equal computations are joined, those on a value again are not.</summary>
public sealed class AgainTests
{
    [Fact]
    public void What_is_computed_again_is_not_joined()
    {
        var x = GraphRunner.Input(0, Shape.Of(4));
        using var backend = new ReferenceBackend();
        using var joined = new GraphRunner(backend, [x], [x.Exp().Sum(0) + x.Exp().Max(0)]);
        using var again = new GraphRunner(backend, [x], [x.Exp().Sum(0) + Again.Apply(x, "test").Exp().Max(0)]);
        Assert.Equal(joined.Run([1, 2, 3, 4])[0], again.Run([1, 2, 3, 4])[0]);
        // Apart, each exponential has one reader and is computed inside its reduction.
        Assert.Equal(joined.Plan["run"].Operations.Length - 1, again.Plan["run"].Operations.Length);
    }
}
