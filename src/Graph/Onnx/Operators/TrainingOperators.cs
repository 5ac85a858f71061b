using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Gradients and optimizers as operators of a model.</summary>
internal static class TrainingOperators
{
    private const string Preview = "ai.onnx.preview.training";

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Gradient", 1, Gradient, Preview),
        new("Adagrad", 1, c => Update(c, 1, Adagrad), Preview),
        new("Adam", 1, c => Update(c, 2, Adam), Preview),
        new("Momentum", 1, c => Update(c, 1, Momentum), Preview),
    ];

    /// <summary>Of what is named y in the graph with respect to what the inputs are; values that differ from the graph's own are not substituted.</summary>
    private static ImmutableArray<OnnxValue?> Gradient(OnnxCall c)
    {
        string[] names = [.. c.Texts("xs") ?? [], .. c.Texts("zs") ?? []];
        if (names.Where((name, i) => c.X(i) != c.Named(name).Tensor).Any())
            throw new OnnxUnsupportedException("gradients at other values than those of the graph itself");
        var y = c.Named(c.Text("y")).Tensor;
        int count = c.Texts("xs")?.Length ?? 0;
        return [.. Gradients.Of(y.SumAll(), [.. Enumerable.Range(0, count).Select(i => c.X(i))]).Select((g, i) => OnnxCall.Out(g, c.Element(i)))];
    }

    /// <summary>The new value and the new states from the learning rate, the step, the value, its gradient and its states.</summary>
    private delegate Tensor[] Rule(OnnxCall c, Tensor rate, Tensor step, Tensor x, Tensor gradient, Tensor[] states);

    /// <summary>Inputs: rate, step, all values, all gradients, all states of a kind after those of the other; outputs: values, then states.</summary>
    private static ImmutableArray<OnnxValue?> Update(OnnxCall c, int states, Rule rule)
    {
        int count = (c.Inputs - 2) / (2 + states);
        var outputs = new OnnxValue?[count * (1 + states)];
        for (int i = 0; i < count; i++)
        {
            Tensor At(int kind) => c.X(2 + kind * count + i);
            var x = At(0);
            var results = rule(c, c.X(0).Convert(x.DType), c.X(1).Convert(x.DType), x, At(1), [.. Enumerable.Range(2, states).Select(At)]);
            for (int kind = 0; kind <= states; kind++)
                outputs[kind * count + i] = OnnxCall.Out(results[kind], c.Element(2 + i));
        }

        return [.. outputs];
    }

    private static Tensor Regularised(OnnxCall c, Tensor x, Tensor gradient) => x * c.Float("norm_coefficient", 0) + gradient;

    private static Tensor[] Adagrad(OnnxCall c, Tensor rate, Tensor step, Tensor x, Tensor gradient, Tensor[] states)
    {
        double decay = c.Float("decay_factor", 0), epsilon = c.Float("epsilon", 0);
        var g = Regularised(c, x, gradient);
        var sum = states[0] + g * g;
        return [Pointwise.Apply("Adagrad", a => a[0] - a[1] / (1 + a[2] * decay) * a[3] / (Fn.Sqrt(a[4]) + epsilon), x, rate, step, g, sum), sum];
    }

    private static Tensor[] Adam(OnnxCall c, Tensor rate, Tensor step, Tensor x, Tensor gradient, Tensor[] states)
    {
        double alpha = c.Float("alpha", 0.9), beta = c.Float("beta", 0.999), epsilon = c.Float("epsilon", 0), after = c.Float("norm_coefficient_post", 0);
        var g = Regularised(c, x, gradient);
        var (v, h) = (states[0] * alpha + g * (1 - alpha), states[1] * beta + g * g * (1 - beta));
        // Until a first step there is nothing to correct.
        var corrected = Pointwise.Apply("AdamRate", a => Fn.Select(a[1] > 0, a[0] * Fn.Sqrt(1 - Fn.Pow(Scalar.Literal(beta, a[0].Type!.Value), a[1])) / (1 - Fn.Pow(Scalar.Literal(alpha, a[0].Type!.Value), a[1])), a[0]), rate, step);
        var moved = Pointwise.Apply("Adam", a => a[0] - a[1] * a[2] / (Fn.Sqrt(a[3]) + epsilon), x, corrected, v, h);
        return [moved * (1 - after), v, h];
    }

    private static Tensor[] Momentum(OnnxCall c, Tensor rate, Tensor step, Tensor x, Tensor gradient, Tensor[] states)
    {
        double alpha = c.Float("alpha"), beta = c.Float("beta");
        bool nesterov = c.Text("mode") == "nesterov";
        var g = Regularised(c, x, gradient);
        // In the first step the gradient counts whole.
        var share = Pointwise.Apply("Share", a => Fn.Select(a[0] > 0, Scalar.Literal(beta, a[0].Type!.Value), 1), step);
        var v = states[0] * alpha + g * share;
        return [x - rate * (nesterov ? g + v * alpha : v), v];
    }
}
