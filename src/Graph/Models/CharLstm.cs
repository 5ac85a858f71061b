using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Graph.Models;

/// <summary>
/// Tokens [n, time] → what comes next, [n, time, vocabulary]: LSTM layers on one-hot tokens and a dense layer on every step. Source: Graves,
/// "Generating sequences with recurrent neural networks" (2013).
/// </summary>
public static class CharLstm
{
    public static Module Create(int vocabulary, ModelSettings settings)
    {
        int hidden = settings.Whole("hidden", 256);
        double dropout = settings.Number("dropout", 0, 0, 1);
        return new Sequential(
            new Lstm(hidden) { Vocabulary = vocabulary, Layers = settings.Whole("layers", 1, 1, ModelSettings.LayersMax), Dropout = dropout, Name = "lstm" },
            new Dropout(dropout) { Name = "dropout" },
            new Linear(vocabulary) { Initialiser = new UniformIn(1 / Math.Sqrt(hidden)), Name = "head" });
    }
}
