using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Modules;

/// <summary>
/// In training each value is zero with probability <c>Rate</c> and else scaled by 1 / (1 − Rate), by a mask that is fresh for each step and
/// shard; otherwise the value itself. Source: Srivastava et al., "Dropout" (2014).
/// </summary>
public sealed record Dropout(double Rate) : Module
{
    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (Rate is not (>= 0 and < 1))
            throw new GraphException($"a dropout rate is from 0 to below 1, not {Rate}");
        return !context.Training || Rate == 0 ? input
            : Pointwise.Apply("Dropout", a => Fn.Select(a[1] < Rate, 0, a[0] * (1 / (1 - Rate))), input, context.Random("mask", input.Shape));
    }
}

/// <summary>Int32 ids [n, …] → rows of a table [Vocabulary, Features]: [n, …, Features].</summary>
public sealed record Embedding(int Vocabulary, int Features) : Module
{
    /// <summary>Uniform in ±0.05 unless said.</summary>
    public Initialiser Initialiser { get; init; } = new UniformIn(0.05);

    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Gather.Apply(context.Parameter("weight", Shape.Of(Vocabulary, Features), default, Initialiser), input);
}
