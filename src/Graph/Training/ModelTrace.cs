using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>A model's graph for a number of samples. <c>Step</c> is there in training alone.</summary>
internal sealed record ModelTrace(Tensor Samples, Tensor? Step, Tensor Output, ModuleRequests Requests)
{
    /// <exception cref="GraphException">The model does not fit the samples; the message names the layer.</exception>
    public static ModelTrace Of(Module model, TensorType sample, ulong seed, int samples, bool training)
    {
        var x = Placeholder.Create("samples", new TensorType(sample.DType, sample.Shape.Prepend(samples)), BlockKind.Input);
        var step = training ? Placeholder.Create("step", new TensorType(DType.Int32, Shape.Scalar), BlockKind.Input) : null;
        var requests = new ModuleRequests();
        return new ModelTrace(x, step, model.Apply(x, new ModuleContext(requests, DType.Float32, seed, step)), requests);
    }
}
