using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>
/// A small GPT: token numbers [n, t] → logits [n, t, vocabulary], each position seeing itself and those before it. Norms before the blocks,
/// GELU, no bias in the last layer. Sources: Radford et al., "Language models are unsupervised multitask learners" (2019), also for the first
/// values; sizes of the benchmark's peer.
/// </summary>
public static class GptMini
{
    public static readonly Seq<string> Settings = ["layers", "width", "heads", "dropout"];

    private const double Deviation = 0.02;

    public static Module Create(Shape sample, int vocabulary, ModelSettings settings)
    {
        if (sample.Rank != 1)
            throw new GraphException($"gpt-mini takes sequences of tokens [time], not samples {sample}");
        int layers = settings.Whole("layers", 4, 1, ModelSettings.LayersMax), width = settings.Whole("width", 256), heads = settings.Whole("heads", 4);
        double dropout = settings.Number("dropout", 0, 0, 1);
        var first = new Normal(Deviation);
        var block = new TransformerBlock(heads)
        {
            Causal = true,
            Dropout = dropout,
            Initialiser = first,
            // So that the sum of all blocks has the size of one.
            ProjectionInitialiser = new Normal(Deviation / Math.Sqrt(2 * layers)),
        };
        return new Sequential([
            new Embedding(vocabulary, width) { Name = "tokens", Initialiser = first },
            new PositionEmbedding(checked((int)sample[0])) { Name = "positions", Initialiser = first },
            new Dropout(dropout),
            .. Enumerable.Range(0, layers).Select(i => block with { Name = $"block{i}" }),
            new LayerNorm { Name = "norm" },
            new Linear(vocabulary) { Name = "head", Bias = false, Initialiser = first },
        ]);
    }
}
