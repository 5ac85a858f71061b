using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class HalfTensorTests
{
    [Fact]
    public void Nobody_computes_with_halves_by_hand() =>
        Assert.Contains("a job's storage", Assert.Throws<GraphException>(() => Tensor.Wrap([1f, 2f], Shape.Of(2)).Convert(DType.BFloat16)).Message);
}
