using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;
using static System.FormattableString;

namespace Singa.Actors.Graph.Modules;

// Activations with parameters of their own; those without are Activation("Name"). Their labels differ from the catalog's, whose
// explicit gradients are for its own parameters.

/// <summary>x, below 0 <c>Slope</c> · x.</summary>
public sealed record LeakyRelu(double Slope = 0.01) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Pointwise.Apply(Invariant($"LeakyRelu({Slope})"), a => PointwiseCatalog.LeakyRelu(a[0], Slope), input);
}

/// <summary>As <see cref="LeakyRelu"/> with slopes that are learned: one, or one for each channel of [n, channels, …].</summary>
public sealed record PRelu(bool PerChannel = false) : Module
{
    public double Initial { get; init; } = 0.25;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        var slope = context.Parameter("slope", Shape.Of(PerChannel ? input.Shape[1] : 1), default, new Uniformly(Initial));
        return Pointwise.Apply("PRelu", input, PerChannel ? slope.AlongChannels(input.Shape.Rank) : slope);
    }
}

/// <summary>x, below 0 <c>Alpha</c> · (e^x − 1).</summary>
public sealed record Elu(double Alpha = 1) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Pointwise.Apply(Invariant($"Elu({Alpha})"), a => PointwiseCatalog.Elu(a[0], Alpha), input);
}

/// <summary><c>Slope</c> · x + <c>Offset</c>, at least 0 and at most 1; ONNX's defaults.</summary>
public sealed record HardSigmoid(double Slope = 0.2, double Offset = 0.5) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Pointwise.Apply(Invariant($"HardSigmoid({Slope}, {Offset})"), a => PointwiseCatalog.HardSigmoid(a[0], Slope, Offset), input);
}

/// <summary>At least <c>Low</c> and at most <c>High</c>.</summary>
public sealed record Clip(double Low, double High) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) => input.Clip(Low, High);
}

/// <summary>e^x / Σ e^x along an axis; the losses take what comes before it.</summary>
public sealed record Softmax(int Axis = -1) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) => input.Softmax(Axis);
}
