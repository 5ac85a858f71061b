namespace Singa.Actors.Graph.Losses;

/// <summary>The losses that a job can name.</summary>
public static class LossCatalog
{
    private static readonly SortedDictionary<string, Loss> Losses = new(StringComparer.Ordinal)
    {
        ["binary-cross-entropy"] = new BinaryCrossEntropy(),
        ["huber"] = new Huber(),
        ["kl"] = new KullbackLeibler(),
        ["mae"] = new MeanAbsoluteError(),
        ["mse"] = new MeanSquaredError(),
        ["softmax-cross-entropy"] = new SoftmaxCrossEntropy(),
    };

    public static IReadOnlyList<string> Names => [.. Losses.Keys];

    /// <exception cref="GraphException">No loss has that name.</exception>
    public static Loss Create(string name) => Losses.TryGetValue(name, out var loss)
        ? loss : throw new GraphException($"no loss is named '{name}'; there are {string.Join(", ", Names)}");

    /// <summary>What jobs call a loss, whatever its settings.</summary>
    public static string NameOf(Loss loss) => Losses.FirstOrDefault(l => l.Value.GetType() == loss.GetType()).Key ?? loss.GetType().Name;
}
