using System.Collections.Immutable;
using Google.Protobuf;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// Writes a model as ONNX for any number of samples. The graph is that of answering; an untrained model also says how it is trained: first
/// values as graphs of keys and literals, and what a training step computes of the model.
/// </summary>
public sealed class ModelWriter
{
    /// <summary>With it nodes have metadata.</summary>
    private const long IrVersion = 10;

    // Names, where the model's parameters leave them free; the open dimension.
    private const string Input = "input", Output = "output", Step = "step", Samples = "N";

    private readonly Module module;
    private readonly TensorType sample;
    private readonly ulong seed;
    private readonly (int First, int Second) samples;
    private readonly FunctionLibrary functions = new();
    private readonly ModelProto model = new() { IrVersion = IrVersion, ProducerName = "Singa.Actors", Graph = new GraphProto { Name = "model" } };

    private ModelWriter(Module module, TensorType sample, ulong seed, (int First, int Second) samples)
    {
        (this.module, this.sample, this.seed, this.samples) = (module, sample, seed, samples);
        model.OpsetImport.AddRange(FunctionDraft.Opsets());
    }

    /// <summary>A model that is to be trained: all that a node needs which has none of its code.</summary>
    /// <param name="sample">Type of one sample.</param>
    /// <param name="samples">Two numbers of samples that the model takes: it is traced for both.</param>
    /// <exception cref="GraphException">Something in the model has no form; the message names the layer and says what.</exception>
    public static ModelProto Untrained(Module module, TensorType sample, ulong seed, (int First, int Second) samples)
    {
        var writer = new ModelWriter(module, sample, seed, samples);
        var (one, two) = writer.Trace(training: true);
        var (parameters, statistics) = (one.Requests.Parameters, one.Requests.Statistics);
        string input = writer.Answering(parameters, statistics, p => (p as GivenValues)?.Values);
        var info = new TrainingInfoProto { Algorithm = writer.TrainingStep(one, two, input), Initialization = new GraphProto { Name = "first values" } };
        info.UpdateBinding.AddRange(statistics.Zip(info.Algorithm.Output.Skip(1), (s, o) => Entry(s.Name, o.Name)));
        writer.FirstValues(info, parameters, statistics);
        writer.model.TrainingInfo.Add(info);
        writer.model.Set(ModelKeys.Description, ModelKeys.Describe(module));
        return writer.Finish();
    }

    /// <summary>A trained model for whoever wants its answers: all values are in it.</summary>
    /// <param name="values">Of parameters and running statistics, by name.</param>
    /// <exception cref="GraphException">Something in the model has no form.</exception>
    public static ModelProto Trained(Module module, TensorType sample, (int First, int Second) samples, Func<string, ReadOnlyMemory<byte>> values)
    {
        var writer = new ModelWriter(module, sample, 0, samples);
        var requests = writer.Trace(training: false).First.Requests;
        writer.Answering(requests.Parameters, requests.Statistics, null, values);
        var model = writer.Finish();
        var functions = model.Functions.Select(f => f.Name).ToHashSet();
        if (model.Graph.Node.Concat(model.Functions.SelectMany(f => f.Node)).FirstOrDefault(n => n.Domain == FunctionDraft.SingaDomain && !functions.Contains(n.OpType)) is { } own)
            throw new GraphException($"{(own.Name.Length > 0 ? own.Name : "a pointwise op")} has no form in standard operators ({own.OpType})");
        return model;
    }

    private (ModelTrace First, ModelTrace Second) Trace(bool training) =>
        (ModelTrace.Of(module, sample, seed, samples.First, training), ModelTrace.Of(module, sample, seed, samples.Second, training));

    /// <summary>The graph outside training. Values that are not given are inputs.</summary>
    /// <returns>The name of the samples.</returns>
    private string Answering(IReadOnlyList<ParameterSpec> parameters, IReadOnlyList<StatisticSpec> statistics,
        Func<Initialiser, ReadOnlyMemory<byte>?>? first, Func<string, ReadOnlyMemory<byte>>? values = null)
    {
        var (one, two) = Trace(training: false);
        foreach (string name in one.Requests.Parameters.Select(p => p.Name).Except(parameters.Select(p => p.Name)))
            throw new GraphException($"parameter {name} is there only outside training, so nothing trains it");
        foreach (string name in parameters.Select(p => p.Name).Concat(statistics.Select(s => s.Name)).Where(n => n.Length == 0 || n.Contains('\n')))
            throw new GraphException($"'{name}' is no name for a parameter that is written down");
        model.SetList(ModelKeys.Parameters, parameters.Select(p => p.Name));
        model.SetList(ModelKeys.Statistics, statistics.Select(s => s.Name));
        var (graph, names) = (model.Graph, NamesOf(parameters, statistics));
        string input = names.Take(Input);
        graph.Input.Add(Value(input, one.Samples.Type, two.Samples.Type));
        foreach (var (name, type, initialiser) in parameters.Select(p => (p.Name, p.Type, p.Initialiser)).Concat(statistics.Select(s => (s.Name, s.Type, s.Initialiser))))
        {
            var data = values is null ? first!(initialiser) : values(name);
            if (data is null)
                graph.Input.Add(Value(name, type, type));
            else
                graph.Initializer.Add(new TensorProto { Name = name, DataType = (int)ElementTypes.Of(type.DType), Dims = { type.Shape }, RawData = UnsafeByteOperations.UnsafeWrap(data.Value) });
        }

        var output = new GraphWriter(Traced(input, one, two, [(one.Output, two.Output)]), functions, names, graph.Node, graph.Initializer).Write();
        graph.Output.Add(Value(Renamed(graph, output[0], names), one.Output.Type, two.Output.Type));
        return input;
    }

    /// <summary>The graph of training: what comes out, and the next value of each running statistic.</summary>
    private GraphProto TrainingStep(ModelTrace one, ModelTrace two, string input)
    {
        var graph = new GraphProto { Name = "training step" };
        var names = NamesOf(one.Requests.Parameters, one.Requests.Statistics);
        names.Take(input);
        graph.Input.Add(Value(input, one.Samples.Type, two.Samples.Type));
        string step = names.Take(Step);
        graph.Input.Add(Value(step, one.Step!.Type, two.Step!.Type));
        var traced = Traced(input, one, two, [(one.Output, two.Output), .. one.Requests.Statistics.Zip(two.Requests.Statistics, (a, b) =>
            (a.Observed ?? throw new GraphException($"statistic {a.Name} is not observed in training"), b.Observed!))]);
        var made = new GraphWriter(traced with { Inputs = traced.Inputs.Add((step, one.Step, two.Step)) }, functions, names, graph.Node, graph.Initializer).Write();
        var body = new FunctionDraft(["statistic", "observed"], ["next"], "keep").Node("k = Constant()", Attributes.Of("value_float", AttributeProto.Types.AttributeType.Float, "keep"))
            .Node("one = Constant()", Attributes.Float("value_float", 1)).Node("rest = Sub(one, k)").Node("a = Mul(statistic, k)").Node("b = Mul(observed, rest)").Node("next = Add(a, b)").Function;
        for (int i = 0; i < one.Requests.Statistics.Count; i++)
        {
            var statistic = one.Requests.Statistics[i];
            var written = new Written("Running").WithFloat("keep", statistic.Keep);
            string next = names.Take($"{statistic.Name}/next");
            var node = new NodeProto { Domain = FunctionDraft.SingaDomain, OpType = functions.Add("Running", body), Name = next, Input = { statistic.Name, made[i + 1] }, Output = { next } };
            node.Attribute.AddRange(written.Attributes);
            node.MetadataProps.AddRange(written.Exact);
            graph.Node.Add(node);
            graph.Output.Add(Value(next, statistic.Type, statistic.Type));
        }

        graph.Output.Insert(0, Value(Renamed(graph, made[0], names), one.Output.Type, two.Output.Type));
        return graph;
    }

    private void FirstValues(TrainingInfoProto info, IReadOnlyList<ParameterSpec> parameters, IReadOnlyList<StatisticSpec> statistics)
    {
        var first = parameters.Select(p => (p.Name, p.Type, p.Initialiser, p.Fans)).Concat(statistics.Select(s => (s.Name, s.Type, s.Initialiser, Fans: default(Fans))))
            .Where(v => v.Initialiser is not GivenValues).Select(v => (v.Name, v.Type, Value: v.Initialiser.Create(seed, v.Name, v.Type, v.Fans))).ToArray();
        var graph = info.Initialization;
        var made = new GraphWriter(new Traced([], [.. first.Select(f => (f.Value, f.Value))], samples), functions, new Names(), graph.Node, graph.Initializer).Write();
        graph.Output.AddRange(first.Zip(made, (f, name) => Value(name, f.Type, f.Type)).DistinctBy(v => v.Name));
        info.InitializationBinding.AddRange(first.Zip(made, (f, name) => Entry(f.Name, name)));
    }

    private ModelProto Finish()
    {
        model.Functions.AddRange(functions.Functions);
        return model;
    }

    private Traced Traced(string input, ModelTrace one, ModelTrace two, ImmutableArray<(Tensor, Tensor)> outputs)
    {
        var (others, otherStatistics) = (two.Requests.Parameters.ToDictionary(p => p.Name), two.Requests.Statistics.ToDictionary(s => s.Name));
        if (others.Count != one.Requests.Parameters.Count || one.Requests.Parameters.FirstOrDefault(p => !others.TryGetValue(p.Name, out var other) || other.Type != p.Type) is { } odd)
            throw new GraphException($"the model has other parameters for {samples.First} samples than for {samples.Second}, so it cannot be written down");
        return new Traced([(input, one.Samples, two.Samples), .. one.Requests.Parameters.Select(p => (p.Name, p.Tensor, others[p.Name].Tensor)),
            .. one.Requests.Statistics.Select(s => (s.Name, s.Tensor, otherStatistics[s.Name].Tensor))], outputs, samples);
    }

    private static Names NamesOf(IEnumerable<ParameterSpec> parameters, IEnumerable<StatisticSpec> statistics)
    {
        var names = new Names();
        foreach (string name in parameters.Select(p => p.Name).Concat(statistics.Select(s => s.Name)))
            names.Take(name);
        return names;
    }

    /// <summary>Calls a result what people look for.</summary>
    private static string Renamed(GraphProto graph, string result, Names names)
    {
        string output = names.Take(Output);
        if (graph.Node.All(n => !n.Output.Contains(result)))
        {
            graph.Node.Add(new NodeProto { OpType = "Identity", Input = { result }, Output = { output } });
            return output;
        }

        foreach (var list in graph.Node.SelectMany(n => new[] { n.Input, n.Output }))
        {
            for (int i = 0; i < list.Count; i++)
                list[i] = list[i] == result ? output : list[i];
        }

        return output;
    }

    private ValueInfoProto Value(string name, TensorType first, TensorType second)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)ElementTypes.Of(first.DType), Shape = new TensorShapeProto() };
        tensor.Shape.Dim.AddRange(first.Shape.Zip(second.Shape, (a, b) => Extent.Through(a, b, samples) switch
        {
            { IsFixed: true } => new TensorShapeProto.Types.Dimension { DimValue = a },
            { IsCount: true } => new TensorShapeProto.Types.Dimension { DimParam = Samples },
            _ => new TensorShapeProto.Types.Dimension(),
        }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
