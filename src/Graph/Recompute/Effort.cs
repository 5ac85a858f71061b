using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Recompute;

/// <summary>
/// What it takes to compute a node: kernels, arithmetic (of which an algorithm may spare some) and bytes through memory. Only a measure by which plans are compared: nothing that is decided
/// by it changes a bit.
/// </summary>
public readonly record struct Effort(double Flops, double Bytes, int Kernels = 0, double Spared = 0)
{
    // One core does about so much arithmetic in the time in which it moves a byte beyond its caches.
    private const double FlopsPerByte = 5.5;

    // So much, too, in which it begins a kernel: a microsecond.
    private const double FlopsPerKernel = 200_000;

    // What is left of fewer products after the transforms.
    private const double WinogradGain = 2.5;

    // A function like exp in primitives.
    private const int FunctionFlops = 20;

    /// <summary>All as one number, in flops.</summary>
    public double Weight => Flops - Spared + FlopsPerByte * Bytes + FlopsPerKernel * Kernels;

    public static Effort operator +(Effort a, Effort b) => new(a.Flops + b.Flops, a.Bytes + b.Bytes, a.Kernels + b.Kernels, a.Spared + b.Spared);

    public static Effort Of(Node node)
    {
        if (node.Op.IsView || node.Op is Placeholder or Constant)
            return default;
        double bytes = node.Inputs.Sum(i => (double)i.Type.Bytes) + node.Outputs.Sum(o => (double)o.Type.Bytes);
        return new Effort(node.Op switch
        {
            Contract op => 2.0 * node.Inputs[0].Shape.Count * Contract.Free(node.Inputs[1].Shape, op.RightBatch, op.RightSum).Aggregate(1.0, (n, axis) => n * node.Inputs[1].Shape[axis])
                + Of(op.Body, node.Outputs[0].Shape),
            Convolve op => Of(op, node).Flops + Of(op.Body, node.Outputs[0].Shape),
            Pointwise op => Of(op.Body, node.Outputs[0].Shape),
            Maps op => Of(op.Body, node.Outputs[0].Shape),
            Reduce op => Of(op.Body, op.Domain) + op.Domain.Count,
            RandomBits => node.Outputs[0].Shape.Count * (double)FunctionFlops,
            _ => node.Inputs.Sum(i => (double)i.Shape.Count),
        }, bytes, 1, node.Op is Convolve convolve ? Of(convolve, node).Spared : 0);
    }

    private static (double Flops, double Spared) Of(Convolve op, Node node)
    {
        var (filter, result, covered) = op.Form switch
        {
            ConvolveForm.Forward => (node.Inputs[1].Shape, node.Outputs[0].Shape, node.Outputs[0].Shape),
            ConvolveForm.ImageGradient => (node.Inputs[1].Shape, node.Inputs[0].Shape, node.Outputs[0].Shape),
            _ => (node.Outputs[0].Shape, node.Inputs[1].Shape, node.Inputs[1].Shape),
        };
        // Every element of the result meets the taps of one output channel, whichever of the three is computed.
        double flops = 2.0 * result.Count * (filter.Count / Math.Max(1.0, filter[^4]));
        return Winograd.Suits(op.Window, op.Groups, node.Inputs[0].DType.Computed(), filter, covered[^2], covered[^1]) ? (flops, flops * (1 - 1 / WinogradGain)) : (flops, 0);
    }

    private static double Of(ScalarProgram? body, Shape shape) =>
        body is null ? 0 : shape.Count * body.Instructions.Sum(i => i.Op == ScalarOp.Argument ? 0.0 : i.Op > ScalarOp.ReinterpretInt ? FunctionFlops : 1);
}
