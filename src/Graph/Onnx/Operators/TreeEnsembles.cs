using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>
/// Forests as tables: all samples go down all trees at once, a level a round, by looking up where they stand. [n, features] → [n, targets].
/// </summary>
internal static class TreeEnsembles
{
    private enum Mode
    {
        LessOrEqual,
        Less,
        GreaterOrEqual,
        Greater,
        Equal,
        NotEqual,
        Member,
    }

    public static OnnxValue Build(OnnxCall c)
    {
        var x = c.X();
        long[] modes = Whole(c, "nodes_modes"), features = c.RequiredInts("nodes_featureids"), trues = c.RequiredInts("nodes_truenodeids"), falses = c.RequiredInts("nodes_falsenodeids");
        long[] trueLeaves = c.RequiredInts("nodes_trueleafs"), falseLeaves = c.RequiredInts("nodes_falseleafs"), roots = c.RequiredInts("tree_roots"), targets = c.RequiredInts("leaf_targetids");
        double[] splits = Floating(c, "nodes_splits"), weights = Floating(c, "leaf_weights");
        long nodes = modes.Length, leaves = targets.Length, outputs = c.Int("n_targets");
        Check(x, nodes, leaves, outputs, features, trues, falses, trueLeaves, falseLeaves, roots, splits, targets, weights);
        var members = Members(c, modes);
        // Places: nodes first, then leaves, which lead to themselves.
        int Next(long at, long isLeaf) => (int)(isLeaf != 0 ? nodes + at : at);
        int[] Table(long[] to, long[] isLeaf) => [.. to.Select((t, i) => Next(t, isLeaf[i])), .. Enumerable.Range((int)nodes, (int)leaves)];
        Tensor Ints(IEnumerable<int> values) => Constant.Create<int>([.. values], Shape.Of(nodes + leaves));
        Tensor whenTrue = Ints(Table(trues, trueLeaves)), whenFalse = Ints(Table(falses, falseLeaves));
        Tensor feature = Ints([.. features.Select(f => (int)f), .. new int[leaves]]), mode = Ints([.. modes.Select(m => (int)m), .. new int[leaves]]);
        var split = Constant.Create<double>([.. splits, .. new double[leaves]], Shape.Of(nodes + leaves)).Convert(x.DType);
        var missing = Ints([.. (c.Ints("nodes_missing_value_tracks_true") ?? new long[nodes]).Select(m => (int)m), .. new int[leaves]]);

        long n = x.Shape[0];
        var rows = (Composites.Iota(checked((int)n)) * x.Shape[1]).Reshape(Shape.Of(n, 1));
        var flat = x.Reshape(Shape.Of(x.Shape.Count));
        var at = Constant.Create<int>([.. roots.Select(r => nodes == 0 ? 0 : (int)r)], Shape.Of(roots.Length)).BroadcastTo(Shape.Of(n, roots.Length));
        for (int level = Depth(trues, falses, trueLeaves, falseLeaves, roots); level > 0; level--)
        {
            var value = Gather.Apply(flat, Gather.Apply(feature, at) + rows);
            var decided = Pointwise.Apply("Decide", a => Decide(a[0], a[1], a[2]), value, Gather.Apply(split, at), Gather.Apply(mode, at));
            if (members is not null)
                decided |= IsMember(members, at, value);
            decided |= Pointwise.Apply("MissingTracksTrue", a => Fn.NotEqual(a[0], a[0]) & Fn.NotEqual(a[1], 0), value, Gather.Apply(missing, at));
            at = Tensor.Where(decided, Gather.Apply(whenTrue, at), Gather.Apply(whenFalse, at));
        }

        return Summed(c, x, at - (double)nodes, targets, weights, outputs);
    }

    private static OnnxValue Summed(OnnxCall c, Tensor x, Tensor leaf, long[] targets, double[] weights, long outputs)
    {
        var target = Gather.Apply(Constant.Create<int>([.. targets.Select(t => (int)t)], Shape.Of(targets.Length)), leaf).Unsqueeze(-1);
        var weight = Gather.Apply(Constant.Create<double>(weights, Shape.Of(weights.Length)).Convert(x.DType), leaf).Unsqueeze(-1);
        var numbers = Composites.Iota(Tables.Length(outputs));
        Tensor Spread(double otherwise) => Pointwise.Apply("OfTarget", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], otherwise), target, numbers, weight);
        double trees = leaf.Shape[1];
        var sum = c.Int("aggregate_function", 1) switch
        {
            0 => Spread(0).Sum(1) / trees,
            1 => Spread(0).Sum(1),
            2 => Extreme(Spread(double.PositiveInfinity).Min(1)),
            3 => Extreme(Spread(double.NegativeInfinity).Max(1)),
            var other => throw new OnnxException($"there is no aggregate_function {other}"),
        };
        return c.Out(c.Int("post_transform", 0) switch
        {
            0 => sum,
            1 => sum.Softmax(),
            2 => sum.Sigmoid(),
            var other => throw new OnnxUnsupportedException($"post_transform {other}"),
        });

        // A target of no leaf is 0.
        static Tensor Extreme(Tensor x) => Pointwise.Apply("Reached", a => Fn.Select(Fn.Abs(a[0]) <= double.MaxValue, a[0], 0), x);
    }

    private static Scalar Decide(Scalar value, Scalar split, Scalar mode)
    {
        var result = Scalar.Literal(0, DType.Bool);
        foreach (var (kind, holds) in new[]
        {
            (Mode.LessOrEqual, value <= split), (Mode.Less, value < split), (Mode.GreaterOrEqual, value >= split),
            (Mode.Greater, value > split), (Mode.Equal, Fn.Equal(value, split)), (Mode.NotEqual, Fn.NotEqual(value, split)),
        })
            result |= Fn.Equal(mode, (double)kind) & holds;
        return result;
    }

    /// <summary>[places, values] of the sets of member nodes, filled up with NaN, which nothing equals.</summary>
    private static double[][]? Members(OnnxCall c, long[] modes)
    {
        if (!modes.Contains((long)Mode.Member))
            return null;
        var sets = new List<double[]>();
        var current = new List<double>();
        foreach (double value in Floating(c, "membership_values"))
        {
            if (!double.IsNaN(value))
            {
                current.Add(value);
                continue;
            }

            sets.Add([.. current]);
            current.Clear();
        }

        var next = sets.GetEnumerator();
        return [.. modes.Select(m => m == (long)Mode.Member ? next.MoveNext() ? next.Current : throw new OnnxException("a member node has no values") : [])];
    }

    private static Tensor IsMember(double[][] members, Tensor at, Tensor value)
    {
        int width = Math.Max(1, members.Max(m => m.Length));
        Tables.Length((members.Length + 1L) * width);
        double[] table = [.. members.SelectMany(m => m.Concat(Enumerable.Repeat(double.NaN, width - m.Length))), .. Enumerable.Repeat(double.NaN, width)];
        // Leaves lie beyond the table and have its last row.
        var row = Pointwise.Apply("MemberRow", a => Fn.Min(a[0], (double)members.Length), at);
        var sets = Gather.Apply(Constant.Create<double>(table, Shape.Of(members.Length + 1, width)).Convert(value.DType), row);
        return sets.EqualTo(value.Unsqueeze(-1)).Any(sets.Shape.Rank - 1);
    }

    private static int Depth(long[] trues, long[] falses, long[] trueLeaves, long[] falseLeaves, long[] roots)
    {
        int depth = 0;
        var level = roots.Distinct().ToList();
        while (level.Count > 0)
        {
            if (++depth > trues.Length)
                throw new OnnxException("a tree leads back to itself");
            level = [.. level.SelectMany(i => new[] { (trues[i], trueLeaves[i]), (falses[i], falseLeaves[i]) }).Where(p => p.Item2 == 0).Select(p => p.Item1).Distinct()];
        }

        return depth;
    }

    private static void Check(Tensor x, long nodes, long leaves, long outputs, long[] features, long[] trues, long[] falses, long[] trueLeaves,
        long[] falseLeaves, long[] roots, double[] splits, long[] targets, double[] weights)
    {
        bool equal = new[] { features.Length, trues.Length, falses.Length, trueLeaves.Length, falseLeaves.Length, splits.Length }.All(l => l == nodes) && weights.Length == leaves;
        bool Within(long[] to, long[] isLeaf) => to.Zip(isLeaf, (t, leaf) => t >= 0 && t < (leaf != 0 ? leaves : nodes)).All(w => w);
        if (!equal || x.Shape.Rank != 2 || nodes == 0 || outputs < 1 || !Within(trues, trueLeaves) || !Within(falses, falseLeaves)
            || roots.Any(r => r < 0 || r >= nodes) || features.Any(f => f < 0 || f >= x.Shape[1]) || targets.Any(t => t < 0 || t >= outputs))
            throw new OnnxException("the trees' tables contradict one another or the input");
    }

    private static long[] Whole(OnnxCall c, string name) => c.Tensor(name) is HostTensor tensor ? HostNumbers.Integers(tensor) : throw new OnnxException($"attribute {name} is missing");

    private static double[] Floating(OnnxCall c, string name) => c.Tensor(name) is HostTensor tensor ? HostNumbers.Floats(tensor) : throw new OnnxException($"attribute {name} is missing");
}
