using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// Whether a model that was written and read back is the very same: node for node, with the same sharing, for those numbers of samples
/// that a job has. Then it trains to the same bits.
/// </summary>
public static class Journey
{
    /// <exception cref="GraphException">Something did not survive; the message names the layer.</exception>
    public static void Check(Module original, Module read, TensorType sample, ulong seed, IEnumerable<int> training, IEnumerable<int> answering)
    {
        foreach (var (samples, step) in training.Distinct().Select(n => (n, true)).Concat(answering.Distinct().Select(n => (n, false))))
        {
            var (a, b) = (ModelTrace.Of(original, sample, seed, samples, step), ModelTrace.Of(read, sample, seed, samples, step));
            var names = a.Requests.Parameters.Select(p => p.Name).ToArray();
            var comparison = new Comparison(samples);
            if (step && !names.SequenceEqual(b.Requests.Parameters.Select(p => p.Name)) || !names.ToHashSet().IsSubsetOf(b.Requests.Parameters.Select(p => p.Name)))
                throw comparison.Lost("the model", "its parameters");
            comparison.Same(a.Samples, b.Samples);
            comparison.Same(a.Output, b.Output);
            var others = b.Requests.Statistics.ToDictionary(s => s.Name);
            foreach (var one in a.Requests.Statistics)
            {
                if (!others.TryGetValue(one.Name, out var other) || (other.Type, other.Keep) != (one.Type, one.Keep))
                    throw comparison.Lost("the model", $"statistic {one.Name}");
                if (one.Observed is not null)
                    comparison.Same(one.Observed, other.Observed ?? throw comparison.Lost("the model", $"statistic {one.Name}"));
            }

            if (!step)
                continue;
            foreach (var (one, other) in a.Requests.Parameters.Zip(b.Requests.Parameters))
                comparison.Same(one.Initialiser.Create(seed, one.Name, one.Type, one.Fans), other.Initialiser.Create(seed, other.Name, other.Type, other.Fans));
            foreach (var one in a.Requests.Statistics)
                comparison.Same(one.Initialiser.Create(seed, one.Name, one.Type, default), others[one.Name].Initialiser.Create(seed, one.Name, one.Type, default));
        }
    }

    private sealed class Comparison(int samples)
    {
        private readonly Dictionary<Node, Node> partners = [], back = [];

        public void Same(Tensor one, Tensor two)
        {
            var open = new Stack<(Tensor, Tensor)>([(one, two)]);
            while (open.TryPop(out var pair))
            {
                var ((a, b), (first, second)) = ((pair.Item1.Producer, pair.Item2.Producer), pair);
                if (partners.TryGetValue(a, out var known) && known == b && first.Index == second.Index)
                    continue;
                // Whether literals are shared decides nothing: no gradient flows to them.
                bool leaf = a.Inputs.IsEmpty && b.Inputs.IsEmpty;
                if (first.Type != second.Type || first.Index != second.Index || !Equal(a.Op, b.Op) || a.Inputs.Length != b.Inputs.Length
                    || (!leaf && (known is not null || back.ContainsKey(b))))
                    throw Lost(a.Scope.Length == 0 ? "the model" : $"layer {a.Scope}", $"{a.Op.Name} {first.Type} came back as {b.Op.Name} {second.Type}");
                (partners[a], back[b]) = (b, a);
                for (int i = 0; i < a.Inputs.Length; i++)
                    open.Push((a.Inputs[i], b.Inputs[i]));
            }
        }

        public GraphException Lost(string layer, string what) => new($"{layer} does not survive being written down, for {samples} samples: {what}") { Layer = layer };

        private static bool Equal(Op a, Op b) => a.Equals(b) || (Bytes(a), Bytes(b)) is ({ } one, { } two) && one.AsSpan().SequenceEqual(two);

        private static byte[]? Bytes(Op op)
        {
            if (op is Constant constant)
                return [.. constant.Data.Items];
            if (op is not Source source)
                return null;
            var bytes = new byte[source.Type.Bytes];
            source.Values.CopyTo(0, bytes);
            return bytes;
        }
    }
}
