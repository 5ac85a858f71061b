using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Bench.Training;

/// <summary>
/// The least that sections of a plan can take where nothing overlaps: products and convolutions (as they are defined, not as Winograd computes them) at the peak of the
/// multiply-adders, scalar ops at one an adder, divisions and roots at what these take, and each byte that is there before a step or after it
/// moved once, at the best that a loop over as many reaches. What is computed again to save memory does not count.
/// </summary>
/// <param name="Arithmetic">Seconds.</param>
/// <param name="Memory">Seconds.</param>
internal readonly record struct Floor(double Arithmetic, double Memory)
{
    public double Seconds => Arithmetic + Memory;

    public static Floor Of(Plan plan, IEnumerable<Section> sections, Machine machine)
    {
        var all = sections.ToArray();
        double flops = 0, slots = 0, quotients = 0;
        foreach (var kernel in all.SelectMany(s => s.Kernels))
        {
            switch (kernel)
            {
                case MapKernel map:
                    Add(map.Program, map.Targets[0].Shape.Count);
                    break;
                case ReduceKernel reduce:
                    long domain = reduce.Sources.IsEmpty ? reduce.Target.Shape.Count : reduce.Sources[0].Shape.Count;
                    Add(reduce.Program, domain);
                    slots += domain;
                    break;
                default:
                    flops += KernelCost.Of(kernel).Flops;
                    break;
            }
        }

        flops -= all.Sum(s => s.Recomputed?.Flops ?? 0);
        var moved = all.SelectMany(s => s.Operations).SelectMany(o => o.Kernel.Inputs.Select(i => (i.Block, Written: false)).Concat(o.Kernel.Outputs.Select(t => (t.Block, Written: true))))
            .Distinct().Where(m => plan.Blocks[m.Block].Kind is BlockKind.Variable or BlockKind.Input or BlockKind.Output).ToArray();
        long bytes = moved.Sum(m => plan.Blocks[m.Block].Bytes), footprint = moved.Select(m => m.Block).Distinct().Sum(b => plan.Blocks[b].Bytes);
        return new Floor((flops + 2 * slots) / machine.FlopsPerSecond + quotients / machine.QuotientsPerSecond, bytes / machine.BytesPerSecond(footprint));

        void Add(ScalarProgram program, long elements)
        {
            slots += elements * (double)program.Instructions.Count(i => i.Type.IsFloat() && IsArithmetic(i.Op));
            quotients += elements * (double)program.Instructions.Count(i => i.Op is ScalarOp.Divide or ScalarOp.SquareRoot);
        }
    }

    private static bool IsArithmetic(ScalarOp op) => op is ScalarOp.Add or ScalarOp.Subtract or ScalarOp.Multiply or ScalarOp.FusedMultiplyAdd or ScalarOp.Round or ScalarOp.Floor;
}
