using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using TorchSharp;
using Torch = TorchSharp.torch;

namespace Singa.Actors.Bench.Gradients;

/// <summary>One op on one choice of shapes: what it is here and what it is there, on the same inputs.</summary>
internal sealed record OpCase(string Choice, Shape[] Inputs, Func<Tensor[], Tensor> Ours, Func<Torch.Tensor[], Torch.Tensor> Theirs)
{
    /// <summary>Inputs lie within twice this: where larger ones saturate, gradients are what rounding left of them.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The result there, and on what the gradients of the inputs are found: a layer's parameters are its own.</summary>
    public Func<Torch.Tensor[], (Torch.Tensor Result, Torch.Tensor[] Leaves)> Run { get; init; } = t => (Theirs(t), t);

    /// <summary>A layer against TorchSharp's layer of the same parameters, which have the same names.</summary>
    public static OpCase Layer<T>(string choice, Module layer, Shape input, Func<T> make, Func<T, Torch.Tensor, Torch.Tensor> call) where T : Torch.nn.Module
    {
        var names = new ModuleRequests();
        layer.Apply(Tensor.Zeros(input, DType.Float32), new ModuleContext(names, DType.Float32, Step: Tensor.From(0)));
        return Layer(choice, layer, input, t => t[0]) with
        {
            Run = t =>
            {
                var there = make();
                there.to(t[0].dtype);
                var parameters = there.named_parameters().ToDictionary(p => p.name, p => (Torch.Tensor)p.parameter);
                Torch.Tensor[] own = [.. names.Parameters.Select(p => parameters[p.Name])];
                using (Torch.no_grad())
                {
                    for (int i = 0; i < own.Length; i++)
                        own[i].copy_(t[i + 1]);
                }

                return (call(there, t[0]), [t[0], .. own]);
            },
        };
    }

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
