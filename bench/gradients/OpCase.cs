using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Torch = TorchSharp.torch;

namespace Singa.Actors.Bench.Gradients;

/// <summary>One op on one choice of shapes: what it is here and what it is there, on the same inputs.</summary>
internal sealed record OpCase(string Choice, Shape[] Inputs, Func<Tensor[], Tensor> Ours, Func<Torch.Tensor[], Torch.Tensor> Theirs)
{
    /// <summary>A layer: its parameters are inputs after the first.</summary>
    public static OpCase Layer(string choice, Module layer, Shape input, Func<Torch.Tensor[], Torch.Tensor> theirs)
    {
        var wanted = new ModuleRequests();
        layer.Apply(Tensor.Zeros(input, DType.Float32), new ModuleContext(wanted, DType.Float32, Step: Tensor.From(0)));
        return new OpCase(choice, [input, .. wanted.Parameters.Select(p => p.Type.Shape)], Apply, theirs);

        Tensor Apply(Tensor[] inputs)
        {
            var given = new ModuleRequests();
            for (int i = 0; i < wanted.Parameters.Count; i++)
                given.Parameters.Add(wanted.Parameters[i] with { Type = inputs[i + 1].Type, Tensor = inputs[i + 1] });
            return layer.Apply(inputs[0], new ModuleContext(given, inputs[0].DType, Step: Tensor.From(0)));
        }
    }
}

/// <summary>An op and how its cases are drawn.</summary>
internal sealed record Family(string Op, Func<Draw, OpCase> Next);
