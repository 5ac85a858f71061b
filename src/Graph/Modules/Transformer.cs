namespace Singa.Actors.Graph.Modules;

/// <summary>
/// Attention and a network of two layers at each position of [n, t, f], both added to what they read. Norms come before each (as in GPT-2)
/// or, with <c>PreNorm</c> off, after each sum (as in the first Transformer). Sources: Vaswani et al., "Attention is all you need" (2017);
/// Xiong et al., "On layer normalization in the Transformer architecture" (2020).
/// </summary>
public sealed record TransformerBlock(int Heads) : Module
{
    public bool Causal { get; init; }

    /// <summary>The inner layer is so many times as wide as the input.</summary>
    public int Expand { get; init; } = 4;

    public bool PreNorm { get; init; } = true;

    public string Activation { get; init; } = "Gelu";

    public bool Rotary { get; init; }

    public bool Bias { get; init; } = true;

    /// <summary>Of what is added, twice.</summary>
    public double Dropout { get; init; }

    public Initialiser? Initialiser { get; init; }

    /// <summary>Of the two layers whose results are added; <see cref="Initialiser"/> unless said.</summary>
    public Initialiser? ProjectionInitialiser { get; init; }

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        var attended = Around("norm1", input, x => Layer("attention", x, context, new MultiHeadAttention(Heads)
        {
            Causal = Causal, Rotary = Rotary, Bias = Bias, Dropout = Dropout, Initialiser = Initialiser, ProjectionInitialiser = ProjectionInitialiser,
        }), context);
        return Around("norm2", attended, x =>
        {
            int features = checked((int)x.Shape[^1]);
            var wide = Layer("up", x, context, new Linear(Expand * features) { Bias = Bias, Initialiser = Initialiser });
            var active = Layer("activation", wide, context, new Activation(Activation));
            var narrow = Layer("down", active, context, new Linear(features) { Bias = Bias, Initialiser = ProjectionInitialiser ?? Initialiser });
            return new Dropout(Dropout).Forward(narrow, context.Inside("mlp"));
        }, context);
    }

    private Tensor Around(string norm, Tensor input, Func<Tensor, Tensor> body, ModuleContext context) => PreNorm
        ? input + body(Layer(norm, input, context, new LayerNorm()))
        : Layer(norm, input + body(input), context, new LayerNorm());

    private static Tensor Layer(string name, Tensor input, ModuleContext context, Module layer) => layer.Apply(input, context.Inside(name) with { BeforeRelu = false });
}
