using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>What a recurrent layer gives: its output, and of each kind of state the last one, [layers · directions, n, features].</summary>
public sealed record RecurrentResult(Tensor Output, ImmutableArray<Tensor> Final);

/// <summary>
/// What recurrent layers share: [n, time, in] → [n, time, features] ([n, features] without <c>Sequences</c>; twice the features when
/// <c>Bidirectional</c>). With a <c>Vocabulary</c> the input is Int32 tokens [n, time], each standing for the row of a one-hot matrix; the
/// product with it is the gathering of a row. Parameters are PyTorch's, in names, shapes and first values: of layer k <c>weight_ih_lk</c>
/// [gates · features, in], <c>weight_hh_lk</c> [gates · features, features] and their <c>bias_…</c>, of the way back with <c>_reverse</c>
/// behind; all uniform in ±1/√features. States begin at zero unless given.
/// </summary>
public abstract record Recurrent(int Features) : Module
{
    /// <summary>One upon the other.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>A second row of layers goes from the last step to the first; outputs stand side by side.</summary>
    public bool Bidirectional { get; init; }

    /// <summary>Rate of dropout between layers; none after the last.</summary>
    public double Dropout { get; init; }

    public bool Bias { get; init; } = true;

    /// <summary>Whether the output is every step's or, of each direction, the last one's.</summary>
    public bool Sequences { get; init; } = true;

    /// <summary>How many tokens there are; 0: the input is vectors.</summary>
    public int Vocabulary { get; init; }

    /// <summary>Gates, each with its rows of the weights.</summary>
    private protected abstract int Gates { get; }

    /// <summary>How many tensors [n, features] a step hands to the next; the first of them is its output.</summary>
    private protected abstract int States { get; }

    /// <summary>Whether the two biases meet otherwise than in a sum, so that the input's must be with the input.</summary>
    private protected virtual bool InputHasItsBias => false;

    /// <summary>The next states from the input's product and the last output's, each [n, gates · features].</summary>
    private protected abstract ImmutableArray<Tensor> Step(Tensor input, Tensor recurrent, ImmutableArray<Tensor> states);

    public sealed override Tensor Forward(Tensor input, ModuleContext context) => Run(input, context).Output;

    /// <summary>Forward from given states and with the last ones.</summary>
    /// <param name="initial">One tensor [layers · directions, n, features] for each kind of state (<see cref="Lstm"/>: h, c); empty: zeros.</param>
    /// <exception cref="GraphException">The input or the states do not fit; the message says what would.</exception>
    public RecurrentResult Run(Tensor input, ModuleContext context, ImmutableArray<Tensor> initial = default)
    {
        Check(input);
        int directions = Bidirectional ? 2 : 1;
        var start = Start(input, context, initial.IsDefault ? [] : initial, Layers * directions);
        var final = new List<ImmutableArray<Tensor>>();
        for (int layer = 0; layer < Layers; layer++)
        {
            if (layer > 0)
                input = new Dropout(Dropout).Apply(input, context.Inside($"dropout_l{layer - 1}"));
            var outputs = ImmutableArray.CreateBuilder<Tensor>();
            for (int direction = 0; direction < directions; direction++)
            {
                var scan = Pass(input, context, $"_l{layer}{(direction == 1 ? "_reverse" : "")}", start[final.Count], direction == 1);
                outputs.Add(Sequences || layer < Layers - 1 ? scan.States[0] : scan.Final[0]);
                final.Add(scan.Final);
            }

            input = Concat.Apply(-1, outputs.ToImmutable());
        }

        return new RecurrentResult(input, [.. Enumerable.Range(0, States).Select(s => TimeAxis.Stack([.. final.Select(f => f[s])], 0))]);
    }

    private void Check(Tensor input)
    {
        if (Features < 1 || Layers < 1)
            throw new GraphException($"a recurrent layer has at least one feature and one layer, not {Features} and {Layers}");
        if (Vocabulary > 0 && (input.Shape.Rank != 2 || input.DType != DType.Int32))
            throw new GraphException($"a recurrent layer with a vocabulary takes int32 tokens [n, time], not {input.Type}");
        if (Vocabulary == 0 && (input.Shape.Rank != 3 || !input.DType.IsFloat()))
            throw new GraphException($"a recurrent layer takes [n, time, features], not {input.Type}{(input.DType == DType.Int32 ? "; for tokens it needs a vocabulary" : "")}");
        if (input.Shape[1] == 0)
            throw new GraphException("a recurrent layer takes at least one step");
    }

    /// <summary>The first states of each layer and direction.</summary>
    private ImmutableArray<ImmutableArray<Tensor>> Start(Tensor input, ModuleContext context, ImmutableArray<Tensor> initial, int count)
    {
        var one = Shape.Of(input.Shape[0], Features);
        var all = one.Prepend(count);
        if (initial.Length != 0 && (initial.Length != States || initial.Any(s => s.Shape != all || s.DType != context.DType)))
            throw new GraphException($"first states are {States} of {new TensorType(context.DType, all)}, not {string.Join(", ", initial.Select(s => s.Type))}");
        var zero = Fill.Create(context.DType, one, 0);
        return [.. Enumerable.Range(0, count).Select(i => initial.Length == 0 ? [.. Enumerable.Repeat(zero, States)]
            : initial.Select(s => TimeAxis.Unstack(s, 0)[i]).ToImmutableArray())];
    }

    private ScanResult Pass(Tensor input, ModuleContext context, string suffix, ImmutableArray<Tensor> start, bool reverse)
    {
        bool tokens = !input.DType.IsFloat();
        long rows = Gates * (long)Features, width = tokens ? Vocabulary : input.Shape[2];
        var uniform = new UniformIn(1 / Math.Sqrt(Features));
        Tensor Parameter(string name, Shape shape) => context.Parameter(name + suffix, shape, default, uniform);
        var (inputWeight, weight) = (Parameter("weight_ih", Shape.Of(rows, width)), Parameter("weight_hh", Shape.Of(rows, Features)));
        var inputBias = Bias ? Parameter("bias_ih", Shape.Of(rows)) : null;
        var bias = Bias ? Parameter("bias_hh", Shape.Of(rows)) : null;
        var apart = InputHasItsBias ? inputBias : null;
        if (bias is not null && !InputHasItsBias)
            bias += inputBias!;

        // What does not wait for the step before is done for all steps at once.
        var projected = tokens ? Gather.Apply(Plus(inputWeight.Transpose(1, 0), apart), input) : Plus(Product(input, inputWeight), apart);
        return Scan.Apply(start, [projected], (states, x) => (Step(x[0], Plus(Product(states[0], weight), bias), states), []), 1, reverse);
    }

    private static Tensor Plus(Tensor value, Tensor? bias) => bias is null ? value : value + bias;

    private static Tensor Product(Tensor input, Tensor weight) => new Node(new Contract([], [], [input.Shape.Rank - 1], [1]), [input, weight]).Output;
}
