using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>A layer on an input of some shape, in training; its parameters are inputs too.</summary>
public sealed record LayerCase(Module Layer, Shape Input)
{
    public override string ToString() => $"{Layer} of {Input}";

    public static IEnumerable<LayerCase> All() => Convolutions().Concat(Pools()).Concat(Activations()).Concat(Normalisations()).Concat(Recurrences()).Concat(Transformers());

    private static Shape S(params long[] dims) => Shape.Of(dims);

    private static IEnumerable<LayerCase> Convolutions()
    {
        yield return new(new Conv2d(3, 3), S(2, 2, 5, 5));
        yield return new(new Conv2d(4, 3) { Stride = 2, Padding = 1, Bias = false }, S(1, 2, 6, 5));
        yield return new(new Conv2d(2, 3) { Dilation = 2, Padding = 2 }, S(1, 2, 6, 6));
        yield return new(new Conv2d(4, 3) { Groups = 2, Padding = 1 }, S(2, 4, 4, 4));
        yield return new(new Conv2d(3, 3) { Groups = 3 }, S(1, 3, 5, 4));
        yield return new(new Conv1d(3, 3), S(2, 2, 7));
        yield return new(new Conv1d(4, 2) { Stride = 2, Padding = 1, Dilation = 2, Groups = 2 }, S(2, 2, 8));
        yield return new(new SeparableConv2d(3, 3) { Padding = 1, Stride = 2 }, S(2, 2, 5, 5));
    }

    private static IEnumerable<LayerCase> Pools()
    {
        yield return new(new AveragePool2d(2), S(2, 2, 4, 6));
        yield return new(new AveragePool2d(3) { Stride = 2, Padding = 1 }, S(1, 2, 6, 5));
        yield return new(new AveragePool2d(3) { Stride = 2, Padding = 1, CountPadding = true }, S(1, 2, 6, 5));
        yield return new(new AveragePool1d(3) { Stride = 1, Padding = 1 }, S(2, 2, 5));
        yield return new(new MaxPool1d(2), S(2, 2, 6));
        yield return new(new GlobalAveragePool(), S(2, 3, 4, 5));
        yield return new(new GlobalAveragePool(), S(2, 3, 4));
    }

    private static IEnumerable<LayerCase> Activations()
    {
        yield return new(new LeakyRelu(0.2), S(3, 4));
        yield return new(new PRelu(), S(3, 4));
        yield return new(new PRelu(PerChannel: true), S(2, 3, 4));
        yield return new(new Elu(0.7), S(3, 4));
        yield return new(new HardSigmoid(0.4, 0.3), S(3, 4));
        yield return new(new Clip(-1, 0.5), S(3, 4));
        yield return new(new Graph.Modules.Softmax(), S(3, 4));
    }

    private static IEnumerable<LayerCase> Normalisations()
    {
        yield return new(new BatchNorm(), S(3, 2, 2, 3));
        yield return new(new BatchNorm { Epsilon = 0.1 }, S(6, 3));
        yield return new(new LayerNorm(), S(3, 5));
        yield return new(new LayerNorm(), S(2, 3, 4));
        yield return new(new GroupNorm(2), S(2, 4, 3, 2));
        yield return new(new RmsNorm(), S(3, 5));
        yield return new(new Dropout(0.4), S(4, 5));
        yield return new(new Residual(new Sequential(new Linear(4), new Activation("Tanh"))), S(3, 4));
    }

    private static IEnumerable<LayerCase> Transformers()
    {
        yield return new(new MultiHeadAttention(2), S(2, 3, 4));
        yield return new(new MultiHeadAttention(2) { Causal = true, Rotary = true, Bias = false }, S(1, 4, 8));
        yield return new(new MultiHeadAttention(4) { KeyValueHeads = 2, Dropout = 0.3 }, S(2, 3, 8));
        yield return new(new Crossed(new MultiHeadAttention(2) { KeyValueHeads = 1 }), S(2, 5, 4));
        yield return new(new PositionEmbedding(5), S(2, 3, 4));
        yield return new(new SinusoidalPositions(), S(2, 3, 4));
        yield return new(new TransformerBlock(2) { Causal = true, Expand = 2 }, S(2, 3, 4));
        yield return new(new TransformerBlock(2) { PreNorm = false, Dropout = 0.2, Activation = "GeluTanh" }, S(2, 3, 4));
    }

    /// <summary>The first two positions attend to the others.</summary>
    public sealed record Crossed(MultiHeadAttention Attention) : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context)
        {
            var parts = input.Split(1, 2, input.Shape[1] - 2);
            return Attention.Forward(parts[0], parts[1], context);
        }
    }

    private static IEnumerable<LayerCase> Recurrences()
    {
        foreach (var layer in new Recurrent[] { new Rnn(3), new Rnn(2, "Relu"), new Lstm(2), new Gru(2) })
        {
            yield return new(layer, S(2, 3, 2));
            yield return new(layer, S(2, 1, 2));
            yield return new(layer with { Layers = 2, Dropout = 0.3, Bidirectional = true }, S(2, 3, 2));
            yield return new(layer with { Bidirectional = true, Sequences = false }, S(2, 3, 2));
            yield return new(layer with { Layers = 2, Bias = false, Sequences = false }, S(1, 4, 3));
        }
    }
}
