using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>RNN, GRU and LSTM as ONNX has them: gates in its order, activations by name, sequences of their own lengths.</summary>
internal static class RecurrentOperators
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("RNN", 1, c => Run(c, 1, 1, ["Tanh"], Simple)),
        new("GRU", 1, c => Run(c, 3, 1, ["Sigmoid", "Tanh"], Gru)),
        new("LSTM", 1, c => Run(c, 4, 2, ["Sigmoid", "Tanh", "Tanh"], Lstm)),
    ];

    /// <summary>One direction's weights and functions. Biases are of the input's and of the state's product.</summary>
    private sealed record Cell(OnnxCall Call, Tensor Recurrence, Tensor? InputBias, Tensor? Bias, Tensor? Peepholes, Func<Tensor, Tensor>[] Activations, long Hidden)
    {
        public Tensor[] Gates(Tensor x, int count) => [.. x.Split(x.Shape.Rank - 1, [.. Enumerable.Repeat(Hidden, count)])];

        /// <summary>Of the last output, [n, gates · hidden].</summary>
        public Tensor Product(Tensor h) => h.MatMul(Recurrence.Transpose(1, 0));

        public Tensor Activated(int which, Tensor x) => Activations[which](Call.Float("clip", 0) is > 0 and var clip ? x.Clip(-clip, clip) : x);
    }

    /// <summary>The next states; the first of them is the output.</summary>
    private delegate ImmutableArray<Tensor> Step(Cell cell, Tensor input, ImmutableArray<Tensor> states);

    private static ImmutableArray<OnnxValue?> Run(OnnxCall c, int gates, int states, string[] usual, Step step)
    {
        bool batchFirst = c.Flag("layout");
        // [time, n, in].
        var x = batchFirst ? c.X(0).Transpose(1, 0, 2) : c.X(0);
        string direction = c.Text("direction", "forward");
        int directions = direction == "bidirectional" ? 2 : 1;
        long hidden = c.Int("hidden_size", c.Shape(2)[^1]), batch = x.Shape[1];
        if (x.Shape.Rank != 3 || c.Shape(1) != Shape.Of(directions, gates * hidden, x.Shape[2]) || c.Shape(2) != Shape.Of(directions, gates * hidden, hidden))
            throw new OnnxException($"weights {c.Shape(1)} and {c.Shape(2)} for {x.Shape} and {hidden} features");
        var outputs = new List<Tensor>();
        var final = new List<ImmutableArray<Tensor>>();
        for (int d = 0; d < directions; d++)
        {
            var cell = CellOf(c, d, directions, gates, hidden, usual);
            bool reverse = d == 1 || direction == "reverse";
            ImmutableArray<Tensor> start = [.. Enumerable.Range(0, states).Select(s => First(c, 5 + s, d, batchFirst, Shape.Of(batch, hidden), x.DType))];
            // What does not wait for the step before is done for all steps at once.
            var projected = x.MatMul(Part(c.X(1), d).Transpose(1, 0));
            if (cell.InputBias is { } bias)
                projected += bias;
            var (all, last) = Steps(c, cell, step, projected, start, reverse);
            outputs.Add(all);
            final.Add(last);
        }

        // [time, directions, n, hidden] and [directions, n, hidden], or the sample first.
        var whole = Tensor.Stack(1, [.. outputs]);
        var ends = Enumerable.Range(0, states).Select(s => Tensor.Stack(0, [.. final.Select(f => f[s])]));
        return [c.Out(batchFirst ? whole.Transpose(2, 0, 1, 3) : whole), .. ends.Select(e => c.Out(batchFirst ? e.Transpose(1, 0, 2) : e))];
    }

    private static (Tensor All, ImmutableArray<Tensor> Last) Steps(OnnxCall c, Cell cell, Step step, Tensor projected, ImmutableArray<Tensor> start, bool reverse)
    {
        int time = checked((int)projected.Shape[0]);
        if (!c.Has(4))
        {
            var scan = Ops.Scan.Apply(start, [projected], (states, x) => (step(cell, x[0], states), []), 0, reverse);
            return (scan.States[0], scan.Final);
        }

        // Beyond a sequence's own end its states stay and its outputs are zero; backwards it begins there.
        var lengths = c.X(4).Convert(DType.Int32).Reshape(Shape.Of(projected.Shape[1], 1));
        var masked = Ops.Scan.Apply(start, [projected, Composites.Iota(time)], (states, x) =>
        {
            var within = Pointwise.Apply("Within", a => a[0] < a[1], x[1], lengths);
            var next = step(cell, x[0], states);
            return ([.. next.Zip(states, (n, s) => Tensor.Where(within, n, s))], [Tensor.Where(within, next[0], 0)]);
        }, 0, reverse);
        return (masked.Outputs[0], masked.Final);
    }

    private static Tensor Part(Tensor x, int direction) =>
        x.Slice([direction, .. x.Shape.Skip(1).Select(_ => 0L)], [1, .. x.Shape.Skip(1)], [.. x.Shape.Select(_ => 1L)]).Reshape(x.Shape.RemoveAt(0));

    private static Tensor First(OnnxCall c, int input, int direction, bool batchFirst, Shape shape, DType type) => !c.Has(input) ? Fill.Create(type, shape, 0)
        : Part(batchFirst ? c.X(input).Transpose(1, 0, 2) : c.X(input), direction);

    private static Cell CellOf(OnnxCall c, int direction, int directions, int gates, long hidden, string[] usual)
    {
        Tensor? inputBias = null, bias = null;
        if (c.Has(3))
        {
            var both = Part(c.X(3), direction).Split(0, gates * hidden, gates * hidden);
            (inputBias, bias) = (both[0], both[1]);
        }

        string[] names = c.Texts("activations") ?? [.. Enumerable.Repeat(usual, directions).SelectMany(n => n)];
        var (alphas, betas) = (new Queue<double>(c.Floats("activation_alpha") ?? []), new Queue<double>(c.Floats("activation_beta") ?? []));
        if (names.Length != usual.Length * directions)
            throw new OnnxException($"{names.Length} activations for {usual.Length * directions}");
        var activations = names.Select(n => Activation(n, alphas, betas)).ToArray();
        return new Cell(c, Part(c.X(2), direction), inputBias, bias, c.Has(7) ? Part(c.X(7), direction) : null,
            activations[(direction * usual.Length)..((direction + 1) * usual.Length)], hidden);
    }

    /// <summary>By name; those with numbers of their own take them in turn from the lists.</summary>
    private static Func<Tensor, Tensor> Activation(string name, Queue<double> alphas, Queue<double> betas)
    {
        double Alpha(double otherwise) => alphas.TryDequeue(out double alpha) ? alpha : otherwise;
        double Beta(double otherwise) => betas.TryDequeue(out double beta) ? beta : otherwise;
        double a, b;
        switch (name.ToLowerInvariant())
        {
            case "sigmoid": return x => x.Sigmoid();
            case "tanh": return x => x.Tanh();
            case "relu": return x => x.Relu();
            case "softsign": return x => x.Softsign();
            case "softplus": return x => x.Softplus();
            case "affine":
                (a, b) = (Alpha(1), Beta(0));
                return x => x * a + b;
            case "leakyrelu":
                a = Alpha(0.01);
                return x => x.LeakyRelu(a);
            case "thresholdedrelu":
                a = Alpha(1);
                return x => Pointwise.Apply("ThresholdedRelu", s => Fn.Select(s[0] > a, s[0], 0), x);
            case "elu":
                a = Alpha(1);
                return x => x.Elu(a);
            case "scaledtanh":
                (a, b) = (Alpha(1), Beta(1));
                return x => Pointwise.Apply("ScaledTanh", s => a * Fn.Tanh(b * s[0]), x);
            case "hardsigmoid":
                (a, b) = (Alpha(0.2), Beta(0.5));
                return x => Pointwise.Apply("HardSigmoid.ONNX", s => PointwiseCatalog.HardSigmoid(s[0], a, b), x);
            default:
                throw new OnnxException($"there is no activation '{name}'");
        }
    }

    private static Tensor Plus(Tensor x, Tensor? bias) => bias is null ? x : x + bias;

    private static ImmutableArray<Tensor> Simple(Cell cell, Tensor input, ImmutableArray<Tensor> states) =>
        [cell.Activated(0, input + Plus(cell.Product(states[0]), cell.Bias))];

    private static ImmutableArray<Tensor> Gru(Cell cell, Tensor input, ImmutableArray<Tensor> states)
    {
        var h = states[0];
        Tensor[] x = cell.Gates(input, 3), weights = [.. cell.Recurrence.Split(0, cell.Hidden, cell.Hidden, cell.Hidden)];
        Tensor?[] biases = cell.Bias is null ? [null, null, null] : [.. cell.Bias.Split(0, cell.Hidden, cell.Hidden, cell.Hidden)];
        Tensor Recurrent(int gate, Tensor from) => Plus(from.MatMul(weights[gate].Transpose(1, 0)), biases[gate]);
        var update = cell.Activated(0, x[0] + Recurrent(0, h));
        var reset = cell.Activated(0, x[1] + Recurrent(1, h));
        var proposed = cell.Activated(1, x[2] + (cell.Call.Flag("linear_before_reset") ? reset * Recurrent(2, h) : Recurrent(2, reset * h)));
        return [Pointwise.Apply("Mix", a => (1 - a[0]) * a[1] + a[0] * a[2], update, proposed, h)];
    }

    private static ImmutableArray<Tensor> Lstm(Cell cell, Tensor input, ImmutableArray<Tensor> states)
    {
        var (h, c) = (states[0], states[1]);
        // Input, output, forget and cell gates, in this order; peepholes of the first three.
        var gates = cell.Gates(input + Plus(cell.Product(h), cell.Bias), 4);
        Tensor?[] peepholes = cell.Peepholes is null ? [null, null, null] : [.. cell.Peepholes.Split(0, cell.Hidden, cell.Hidden, cell.Hidden)];
        Tensor Seen(int gate, Tensor state) => peepholes[gate] is { } p ? gates[gate] + p * state : gates[gate];
        var open = cell.Activated(0, Seen(0, c));
        var forget = cell.Call.Flag("input_forget") ? 1.0 - open : cell.Activated(0, Seen(2, c));
        var next = forget * c + open * cell.Activated(1, gates[3]);
        var output = cell.Activated(0, Seen(1, next));
        return [output * cell.Activations[2](next), next];
    }
}
