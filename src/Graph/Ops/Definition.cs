using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// For ops that are short words for others and have a gradient of their own making: whatever is asked beyond that gradient is answered by
/// differentiating what the op means, so the hand-made part stays one formula.
/// </summary>
internal static class Definition
{
    /// <summary>Gradients of the floating inputs of what <paramref name="meaning"/> makes of them; null of others.</summary>
    public static ImmutableArray<Tensor?> Gradients(Func<ImmutableArray<Tensor>, Tensor> meaning, ImmutableArray<Tensor> inputs, Tensor upstream)
    {
        var leaves = Leaves(inputs, "inputs");
        return Differentiate((meaning(leaves) * upstream).SumAll(), leaves);
    }

    /// <summary>
    /// Gradients of the inputs and of the upstream gradient (last) of <see cref="Gradients"/>, given those of what it answers; null:
    /// that part does not reach the loss.
    /// </summary>
    public static ImmutableArray<Tensor?> SecondGradients(
        Func<ImmutableArray<Tensor>, Tensor> meaning, ImmutableArray<Tensor> inputs, Tensor upstream, ImmutableArray<Tensor?> upstreams)
    {
        var leaves = Leaves([.. inputs, upstream], "gradients");
        var products = Gradients(meaning, leaves[..^1], leaves[^1])
            .Zip(upstreams, (first, up) => first is null || up is null ? null : (first * up).SumAll()).OfType<Tensor>().ToArray();
        return products.Length == 0 ? [.. leaves.Select(_ => (Tensor?)null)] : Differentiate(products.Aggregate((sum, next) => sum + next), leaves);
    }

    // The same values as the ends of a graph: differentiating by them goes no further, yet gradients flow on to where they come from.
    private static ImmutableArray<Tensor> Leaves(ImmutableArray<Tensor> inputs, string purpose) => [.. inputs.Select((t, i) => Again.Apply(t, $"differentiate {purpose} {i}"))];

    private static ImmutableArray<Tensor?> Differentiate(Tensor sum, ImmutableArray<Tensor> leaves)
    {
        var floating = leaves.Where(t => t.DType.IsFloat()).ToArray();
        var gradients = Graph.Gradients.Of(sum, floating);
        return [.. leaves.Select(t => Array.IndexOf(floating, t) is >= 0 and var i ? gradients[i] : null)];
    }
}
