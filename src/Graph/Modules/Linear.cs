using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>x · Wᵀ + b over the innermost axis: [n, …, in] → [n, …, Outputs]; weight [Outputs, in], bias [Outputs].</summary>
public sealed record Linear(int Outputs) : Module
{
    public bool Bias { get; init; } = true;

    public Initialiser? Initialiser { get; init; }

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank < 2)
            throw new GraphException("a linear layer takes [n, features]");
        long features = input.Shape[^1];
        var weight = context.Parameter("weight", Shape.Of(Outputs, features), new Fans(features, Outputs), Initialiser);
        var product = new Node(new Contract([], [], [input.Shape.Rank - 1], [1]), [input, weight]).Output;
        return Bias ? product + context.Parameter("bias", Shape.Of(Outputs), default, new Uniformly(0)) : product;
    }
}
