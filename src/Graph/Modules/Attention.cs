using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>
/// Attention of <c>Heads</c> heads over [n, t, f] → [n, t, f]: one projection <c>qkv</c> gives queries, keys and values of all heads, another,
/// <c>projection</c>, mixes what the heads found. Source: Vaswani et al., "Attention is all you need" (2017).
/// </summary>
public sealed record MultiHeadAttention(int Heads) : Module
{
    /// <summary>Each position sees itself and those before it.</summary>
    public bool Causal { get; init; }

    /// <summary>Heads of keys and values, each shared by as many heads of queries; 0: one for each. Source: Ainslie et al., "GQA" (2023).</summary>
    public int KeyValueHeads { get; init; }

    /// <summary>Queries and keys turned by their positions.</summary>
    public bool Rotary { get; init; }

    public bool Bias { get; init; } = true;

    /// <summary>Of the result.</summary>
    public double Dropout { get; init; }

    public Initialiser? Initialiser { get; init; }

    /// <summary>Of the last projection; <see cref="Initialiser"/> unless said.</summary>
    public Initialiser? ProjectionInitialiser { get; init; }

    private int Groups => KeyValueHeads == 0 ? Heads : KeyValueHeads;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        long features = Features(input);
        var projected = Project(input, "qkv", features + 2 * SharedFeatures(features), context);
        var parts = projected.Split(-1, features, SharedFeatures(features), SharedFeatures(features));
        return Attend(parts[0], parts[1], parts[2], context);
    }

    /// <summary>Queries from one tensor [n, t, f], keys and values from another [n, s, g], by projections <c>q</c> and <c>kv</c>: cross-attention.</summary>
    public Tensor Forward(Tensor input, Tensor memory, ModuleContext context)
    {
        long features = Features(input);
        if (memory.Shape.Rank != 3 || memory.Shape[0] != input.Shape[0])
            throw new GraphException($"attention of {input.Shape} to {memory.Shape}: both must be [n, time, features] of as many samples");
        var query = Project(input, "q", features, context);
        var parts = Project(memory, "kv", 2 * SharedFeatures(features), context).Split(-1, SharedFeatures(features), SharedFeatures(features));
        return Attend(query, parts[0], parts[1], context);
    }

    private long Features(Tensor input)
    {
        if (input.Shape.Rank != 3)
            throw new GraphException("attention takes [n, time, features]");
        if (Heads < 1 || input.Shape[2] % Heads != 0 || Groups < 1 || Heads % Groups != 0)
            throw new GraphException($"{input.Shape[2]} features, {Heads} heads and {Groups} heads of keys and values do not divide one another");
        return input.Shape[2];
    }

    private long SharedFeatures(long features) => features / Heads * Groups;

    private Tensor Project(Tensor input, string name, long outputs, ModuleContext context, Initialiser? initialiser = null) =>
        new Linear(checked((int)outputs)) { Bias = Bias, Initialiser = initialiser ?? Initialiser }.Apply(input, context.Inside(name) with { BeforeRelu = false });

    private Tensor Attend(Tensor query, Tensor key, Tensor value, ModuleContext context)
    {
        long samples = query.Shape[0], time = query.Shape[1], features = query.Shape[2], each = features / Heads;
        int sharing = Heads / Groups;
        var q = query.Reshape(Shape.Of(samples, time, Groups, sharing, each));
        var (k, v) = (Shared(key), Shared(value));
        if (Rotary)
            (q, k) = (Positions.Rotate(q), Positions.Rotate(k));
        var spread = Shape.Of(samples, key.Shape[1], Groups, sharing, each);
        var found = Attention.Apply(q, k.BroadcastTo(spread), v.BroadcastTo(spread), causal: Causal, headAxes: 2);
        Node.Label(found, context.Path);
        var mixed = Project(found.Reshape(query.Shape), "projection", features, context, ProjectionInitialiser);
        return new Dropout(Dropout).Forward(mixed, context);

        Tensor Shared(Tensor tensor) => tensor.Reshape(Shape.Of(samples, tensor.Shape[1], Groups, 1, each));
    }
}
