using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Recurrence;

/// <summary>A layer traced in float64 for training, its parameters inputs like the data.</summary>
internal sealed record RecurrentLayer(Tensor[] Inputs, ModuleRequests Requests, RecurrentResult Result)
{
    public Tensor[] Parameters => [.. Requests.Parameters.Select(p => p.Tensor)];

    /// <param name="data">The input, then the first states if they are given.</param>
    public static RecurrentLayer Trace(Recurrent layer, params Tensor[] data)
    {
        var requests = new ModuleRequests();
        var context = new ModuleContext(requests, DType.Float64, Seed: 3, Step: Constant.Create<int>([5], Shape.Scalar));
        return new RecurrentLayer(data, requests, layer.Run(data[0], context, [.. data[1..]]));
    }

    public static double[][] Draw(IEnumerable<Tensor> tensors, int stream = 0) => [.. tensors.Select((t, i) => Differences.Draw((int)t.Shape.Count, stream + i, -0.8, 0.8))];
}
