using System.Collections.Immutable;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// The same graph traced for two numbers of samples, <c>Samples</c>: what is equal in both is the model's, what differs depends on the
/// number. <c>Inputs</c> are known to whoever reads the result by those names.
/// </summary>
internal sealed record Traced(
    ImmutableArray<(string Name, Tensor First, Tensor Second)> Inputs, ImmutableArray<(Tensor First, Tensor Second)> Outputs, (int First, int Second) Samples);
