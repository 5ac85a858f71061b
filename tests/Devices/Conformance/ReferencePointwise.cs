using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Devices.Tests.Conformance;

internal static class ReferencePointwise
{
    public static void Map(MapKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var sources = kernel.Sources.Select(s => new ReferenceView(s, blocks)).ToArray();
        var targets = kernel.Targets.Select(t => new ReferenceView(t, blocks)).ToArray();
        foreach (var index in ReferenceView.Indices(targets[0].Shape))
        {
            var results = Interpreter.Run(kernel.Program, [.. sources.Select(s => s[index])]);
            for (int i = 0; i < targets.Length; i++)
                targets[i][index] = results[i];
        }
    }

    public static void Reduce(ReduceKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var sources = kernel.Sources.Select(s => new ReferenceView(s, blocks)).ToArray();
        var target = new ReferenceView(kernel.Target, blocks);
        var shape = kernel.Sources.IsEmpty ? target.Shape : sources[0].Shape;
        int inner = shape.Rank;
        while (inner > 0 && (kernel.Axes.Contains(inner - 1) || shape[inner - 1] == 1))
            inner--;
        int[] trailing = [.. kernel.Axes.Where(a => a >= inner)], outer = [.. kernel.Axes.Where(a => a < inner)];
        Shape Flat(int[] axes) => Shape.Of([.. axes.Select(a => shape[a])]);
        foreach (var index in ReferenceView.Indices(target.Shape))
        {
            Value? total = null, block = null;
            long row = 0;
            foreach (var rowIndex in ReferenceView.Indices(Flat(outer)))
            {
                var lanes = new Value?[ReduceKernel.Lanes];
                long r = 0;
                foreach (var laneIndex in ReferenceView.Indices(Flat(trailing)))
                {
                    var at = (long[])index.Clone();
                    for (int i = 0; i < outer.Length; i++)
                        at[outer[i]] = rowIndex[i];
                    for (int i = 0; i < trailing.Length; i++)
                        at[trailing[i]] = laneIndex[i];
                    var value = Interpreter.Run(kernel.Program, [.. sources.Select(s => s[at])])[0];
                    ref var lane = ref lanes[r++ % ReduceKernel.Lanes];
                    lane = Join(kernel.Reduction, lane, value);
                }

                for (int half = ReduceKernel.Lanes / 2; half > 0; half /= 2)
                {
                    for (int i = 0; i < half; i++)
                        lanes[i] = Join(kernel.Reduction, lanes[i], lanes[i + half]);
                }

                block = Join(kernel.Reduction, block, lanes[0]);
                if (++row % ReduceKernel.RowsPerBlock == 0)
                    (total, block) = (Join(kernel.Reduction, total, block), null);
            }

            target[index] = Join(kernel.Reduction, total, block) ?? Empty(kernel.Reduction, target.Type);
        }
    }

    public static void Random(RandomKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var target = new ReferenceView(kernel.Target, blocks);
        uint step = kernel.Step is null ? 0 : (uint)new ReferenceView(kernel.Step, blocks)[new long[kernel.Step.Shape.Rank]].Integer;
        for (long i = 0; i < target.Shape.Count; i++)
        {
            var (w0, w1, w2, w3) = Philox.Block(kernel.Key, (ulong)i / 4, kernel.Stream | ((ulong)step << 32));
            target[ReferenceView.Unflatten(i, target.Shape)] = Value.Int(DType.Int32, (i % 4) switch { 0 => w0, 1 => w1, 2 => w2, _ => w3 });
        }
    }

    public static void ShardSum(ShardSumKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (source, target) = (new ReferenceView(kernel.Source, blocks), new ReferenceView(kernel.Target, blocks));
        foreach (var index in ReferenceView.Indices(target.Shape))
            target[index] = ReferenceBackend.Sum(kernel.Tree[(int)index[0]], kernel.Rounded, shard => source[[shard, .. index[1..]]]);
    }

    private static Value? Join(Reduction reduction, Value? a, Value? b) => (a, b, reduction) switch
    {
        (null, _, _) => b,
        (_, null, _) => a,
        (_, _, Reduction.Sum) => a.Value + b.Value,
        (_, _, Reduction.Maximum) => Value.Maximum(a.Value, b.Value),
        _ => Value.Minimum(a.Value, b.Value),
    };

    private static Value Empty(Reduction reduction, DType type) => reduction switch
    {
        Reduction.Sum => Value.Zero(type),
        Reduction.Maximum => type.IsFloat() ? Value.Float(type, double.NegativeInfinity) : Value.Int(type, type == DType.Int32 ? int.MinValue : long.MinValue),
        _ => type.IsFloat() ? Value.Float(type, double.PositiveInfinity) : Value.Int(type, type == DType.Int32 ? int.MaxValue : long.MaxValue),
    };
}
