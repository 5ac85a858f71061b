using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Losses;

/// <summary>What training makes small: a number for each sample; the step's loss is their mean.</summary>
public abstract record Loss
{
    /// <summary>[n] from a model's output [n, …] and labels [n, …].</summary>
    public abstract Tensor PerSample(Tensor output, Tensor labels);

    /// <summary>[n]: 1 where the output's answer is the label, 0 elsewhere; null where there is no right or wrong.</summary>
    public virtual Tensor? Correct(Tensor output, Tensor labels) => null;
}

/// <summary>−log softmax(output)[label]: output [n, classes], labels [n] of Int32.</summary>
public sealed record SoftmaxCrossEntropy : Loss
{
    public override Tensor PerSample(Tensor output, Tensor labels)
    {
        Check(output, labels);
        var log = output.LogSoftmax();
        var picked = Pointwise.Apply("Pick", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], 0),
            Composites.Iota((int)output.Shape[1]), labels.Reshape(labels.Shape.Append(1)), log);
        return -picked.Sum(-1);
    }

    public override Tensor Correct(Tensor output, Tensor labels)
    {
        Check(output, labels);
        int classes = (int)output.Shape[1];
        // Of equal outputs the first is the answer.
        var best = Pointwise.Apply("FirstBest", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], (double)classes),
            output, output.Max(-1).Reshape(output.Shape.With(1, 1)), Composites.Iota(classes)).Min(-1);
        return Pointwise.Apply("IsRight", a => Fn.Select(Fn.Equal(a[0], a[1]), Scalar.Literal(1, DType.Float32), 0), best, labels);
    }

    private static void Check(Tensor output, Tensor labels)
    {
        if (output.Shape.Rank != 2 || labels.Type != new TensorType(DType.Int32, Shape.Of(output.Shape[0])))
            throw new GraphException($"softmax cross-entropy takes the model's output [n, classes] and int32 labels [n], not {output.Type} and {labels.Type}");
    }
}

/// <summary>The losses that a job can name.</summary>
public static class LossCatalog
{
    private static readonly SortedDictionary<string, Loss> Losses = new(StringComparer.Ordinal) { ["softmax-cross-entropy"] = new SoftmaxCrossEntropy() };

    public static IReadOnlyList<string> Names => [.. Losses.Keys];

    /// <exception cref="GraphException">No loss has that name.</exception>
    public static Loss Create(string name) => Losses.TryGetValue(name, out var loss)
        ? loss : throw new GraphException($"no loss is named '{name}'; there are {string.Join(", ", Names)}");
}
