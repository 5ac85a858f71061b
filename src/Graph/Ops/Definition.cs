using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// For ops that are short words for others and have a gradient of their own making: whatever is asked beyond that gradient is answered by
/// differentiating what the op means, so the hand-made part stays one formula.
/// </summary>
internal static class Definition
{
    /// <summary>Gradients of the inputs of what <paramref name="meaning"/> makes of them; null of those that are no numbers.</summary>
    public static ImmutableArray<Tensor?> Gradients(Func<ImmutableArray<Tensor>, Tensor> meaning, ImmutableArray<Tensor> inputs, Tensor upstream)
    {
        var leaves = Leaves(inputs, "inputs");
        return Graph.Gradients.Pull([meaning(leaves)], [upstream], leaves);
    }

    /// <summary>
    /// Gradients of the inputs and of the upstream gradient (last) of <see cref="Gradients"/>, given those of what it answers; null:
    /// that part does not reach the loss.
    /// </summary>
    public static ImmutableArray<Tensor?> SecondGradients(
        Func<ImmutableArray<Tensor>, Tensor> meaning, ImmutableArray<Tensor> inputs, Tensor upstream, ImmutableArray<Tensor?> upstreams)
    {
        var leaves = Leaves([.. inputs, upstream], "gradients");
        var first = Gradients(meaning, leaves[..^1], leaves[^1]).Zip(upstreams).Where(g => g.First is not null).ToArray();
        return Graph.Gradients.Pull([.. first.Select(g => g.First!)], [.. first.Select(g => g.Second)], leaves);
    }

    // The same values as the ends of a graph: differentiating by them goes no further, yet gradients flow on to where they come from.
    private static ImmutableArray<Tensor> Leaves(ImmutableArray<Tensor> inputs, string purpose) => [.. inputs.Select((t, i) => Again.Apply(t, $"differentiate {purpose} {i}"))];
}
