using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Training;

/// <summary>
/// Which values of a step are <see cref="Rounded"/>. Of the model those that backward could only have again at the price of a product: what
/// products, convolutions, attention and pools make, together with what only parameters add to it on its way to its readers; and where a
/// residual meets what it goes around. What follows from them point by point is computed again from the rounded values, in float32. Of the
/// gradients those that products make or read. The model's answer and all of the loss stay as they are, and so do statistics, which are
/// small, and what a recurrent scan makes: its gradient goes on from each step's exact state.
/// </summary>
internal static class HalfStorage
{
    // Odd numbers without pattern.
    private const int Odd1 = unchecked((int)0x9E3779B1), Odd2 = unchecked((int)0x85EBCA77), Odd3 = unchecked((int)0xC2B2AE3D);

    /// <param name="results">What is wanted of the graph of one shard.</param>
    public static Tensor[] Apply(ShardGraph graph, IReadOnlyList<Tensor> results)
    {
        var order = Traversal.From(results);
        var readers = new Dictionary<Tensor, List<Node>>();
        foreach (var node in order)
        {
            foreach (var input in node.Inputs.Distinct())
                (readers.TryGetValue(input, out var list) ? list : readers[input] = []).Add(node);
        }

        var ofSamples = new HashSet<Tensor> { graph.Samples };
        foreach (var node in order.Where(n => n.Inputs.Any(ofSamples.Contains)))
            ofSamples.UnionWith(node.Outputs);
        var answer = Behind(graph.Output);
        var forward = Traversal.From(graph.Output).ToHashSet();
        var backward = order.Except(Traversal.From(graph.LossSum, graph.CorrectSum)).ToHashSet();
        var gradients = Ends();
        var kept = order.Where(n => forward.Contains(n) && (IsDear(n) || IsMeeting(n))).Select(n => Settled(n.Outputs[0]));
        var flowing = backward.Where(IsDear).SelectMany(n => n.Outputs.Concat(n.Inputs.Select(Behind).Where(i => backward.Contains(i.Producer))));
        var rounded = kept.Concat(flowing).Where(t => t.DType == DType.Float32 && ofSamples.Contains(t) && t != answer && !gradients.Contains(t)).ToHashSet();

        var built = new Dictionary<Tensor, Tensor>();
        foreach (var node in order)
        {
            var inputs = node.Inputs.Select(i => built[i]).ToArray();
            var same = inputs.SequenceEqual(node.Inputs) ? node : new Node(node.Op, [.. inputs], node.Scope);
            for (int i = 0; i < node.Outputs.Length; i++)
                built[node.Outputs[i]] = rounded.Contains(node.Outputs[i]) ? Rounded.Apply(same.Outputs[i]) : same.Outputs[i];
        }

        return [.. results.Select(r => built[r])];

        // Where it has met the parameters that only it meets, such as a bias.
        Tensor Settled(Tensor value)
        {
            while (readers.GetValueOrDefault(value) is [{ Op: Pointwise } reader] && reader.Output.Type == value.Type && reader.Inputs.Count(ofSamples.Contains) == 1)
                value = reader.Output;
            return value;
        }

        // What parameters get: it is summed over shards before it is stored.
        HashSet<Tensor> Ends()
        {
            var ends = new HashSet<Tensor>();
            var open = new Stack<Tensor>(results);
            while (open.TryPop(out var tensor))
            {
                if (ends.Add(tensor) && (tensor.Producer.Op.IsView || tensor.Producer.Op is Pointwise))
                    Array.ForEach([.. tensor.Producer.Inputs], open.Push);
            }

            return ends;
        }

        // Where a residual meets what it goes around: otherwise each would have to be summed up again from the first.
        bool IsMeeting(Node node) => node.Op is Pointwise && node.Inputs.Distinct().Count(i => ofSamples.Contains(i) && i.Type == node.Output.Type) > 1;

        static Tensor Behind(Tensor tensor)
        {
            while (tensor.Producer.Op.IsView || tensor.Producer.Op is Pointwise { Body.Instructions: [{ Op: ScalarOp.Argument }] })
                tensor = tensor.Producer.Inputs[0];
            return tensor;
        }

        static bool IsDear(Node node) => node.Op is Contract or Convolve or Attention or AttentionGradient or MaxPool or MaxPoolGradient or SumPool;
    }

    /// <summary>Two sums of shards become one, in the type in which they are stored.</summary>
    public static Tensor Sum(Tensor left, Tensor right) => left.DType != DType.BFloat16 ? left + right
        : Pointwise.Apply("Add", a => Fn.Convert(Fn.Convert(a[0], DType.Float32) + Fn.Convert(a[1], DType.Float32), DType.BFloat16), left, right);

    /// <summary>
    /// What the optimizer remembers, as it is stored: up or down to a neighbour, so that on average over steps nothing is lost. A second moment
    /// moves by a thousandth of itself a step, which the nearest would swallow for ever. What decides is drawn from the gradient's bits and the
    /// step, so it is the same wherever it is computed. Source: Gupta et al., "Deep learning with limited numerical precision" (2015).
    /// </summary>
    /// <param name="step">Int32: the number of the step.</param>
    public static Tensor Remembered(Tensor state, Tensor gradient, Tensor step) => Pointwise.Apply("Store", a =>
    {
        var drawn = (Fn.ReinterpretInt(a[1]) ^ (a[2] * (double)Odd1)) * (double)Odd2;
        drawn = (drawn ^ (drawn >> 15)) * (double)Odd3;
        var bits = (Fn.ReinterpretInt(a[0]) + ((drawn >> 16) & (double)0xFFFF)) & (double)~0xFFFF;
        // A NaN's bits are no number to add to, an infinity's lower half is empty.
        return Fn.Convert(Fn.Select(Fn.Equal(a[0], a[0]), Fn.ReinterpretFloat(bits), a[0]), DType.BFloat16);
    }, state, gradient, step);
}
