using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// A file's model as something to train: its one input, its output, its parameters and running statistics and what these begin with. Equal
/// where the bytes and the output are.
/// </summary>
public sealed class OnnxModel : IEquatable<OnnxModel>
{
    private readonly ModelProto model;
    private readonly ImportContext context;
    private readonly TrainingInfoProto? training;
    private readonly TrainableParts parts;
    private readonly Dictionary<string, TensorProto> initialisers;
    private readonly Dictionary<string, ValueInfoProto> inputs;
    private readonly Lazy<ImmutableDictionary<string, Tensor>> firstValues;
    private readonly ConcurrentDictionary<string, Initialiser> given = new(StringComparer.Ordinal);

    private OnnxModel(string id, ModelProto model, ImportContext context, string output)
    {
        (Id, this.model, this.context, Output) = (id, model, context, output);
        training = model.TrainingInfo.FirstOrDefault(t => t.Algorithm is not null);
        parts = TrainableParts.Of(model);
        initialisers = model.Graph.Initializer.DistinctBy(i => i.Name).ToDictionary(i => i.Name, StringComparer.Ordinal);
        inputs = model.Graph.Input.DistinctBy(i => i.Name).ToDictionary(i => i.Name, StringComparer.Ordinal);
        if (training is not null && (training.Algorithm.Input.Count != 2 || training.Algorithm.Output.Count == 0))
            throw new OnnxUnsupportedException("its training takes other than samples and a step");
        Input = OnnxImporter.Inputs(model).Where(i => !parts.Parameters.Contains(i.Name) && !parts.Statistics.ContainsKey(i.Name)).ToArray() is [var only] ? only
            : throw new OnnxUnsupportedException($"it takes {OnnxImporter.Inputs(model).Length} inputs ({string.Join(", ", OnnxImporter.Inputs(model).Select(i => i.Name))}), and samples are one");
        firstValues = new(FirstValues);
    }

    /// <summary><c>sha256:…</c> of the bytes.</summary>
    public string Id { get; }

    /// <summary>The value that the model is asked for.</summary>
    public string Output { get; }

    public IReadOnlyList<string> Parameters => parts.Parameters;

    /// <summary>The model in words, where it says so; else what it is.</summary>
    public string Description => model.Get(ModelKeys.Description) ?? $"ONNX {Id} to {Output}";

    /// <summary>The operator that makes the output, and the value it reads: a last activation that a loss has in itself is looked at by that.</summary>
    public (string Operator, string Reads)? Last => training is not null ? null : model.Graph.Node.FirstOrDefault(n => n.Output.Contains(Output)) is { Input.Count: > 0 } node ? (node.OpType, node.Input[0]) : null;

    private ValueInfoProto Input { get; }

    /// <summary>What the metadata say under a key; null: nothing.</summary>
    public string? Property(string key) => model.Get(key);

    /// <param name="external">Where elements lie that the model keeps beside itself.</param>
    /// <exception cref="OnnxException">The bytes are no model, or one that contradicts itself.</exception>
    /// <exception cref="OnnxUnsupportedException">It asks for what this version does not have, all of which is named, or is none to train.</exception>
    public static OnnxModel Read(ReadOnlyMemory<byte> data, IExternalData? external = null, string? output = null)
    {
        var model = OnnxFile.ReadModel(data.Span);
        if (model.Graph is null)
            throw new OnnxException("the model has no graph");
        Coverage.Check(model);
        string[] outputs = [.. model.Graph.Output.Select(o => o.Name)];
        string chosen = output is not null ? outputs.Contains(output) ? output : throw new OnnxException($"it has no output '{output}'; there are {string.Join(", ", outputs)}")
            : outputs is [var only] ? only : throw new OnnxUnsupportedException($"it has {outputs.Length} outputs ({string.Join(", ", outputs)}); say which one with output");
        return new OnnxModel("sha256:" + Convert.ToHexStringLower(SHA256.HashData(data.Span)), model, new ImportContext { External = external ?? NoExternalData.Instance }, chosen);
    }

    /// <summary>The same model, asked for a value on the way to its output.</summary>
    public OnnxModel EndingWith(string value) => new(Id, model, context, value);

    public bool Equals(OnnxModel? other) => other is not null && (Id, Output) == (other.Id, other.Output);

    public override bool Equals(object? obj) => Equals(obj as OnnxModel);

    public override int GetHashCode() => HashCode.Combine(Id, Output);

    public override string ToString() => Description;

    /// <summary>The model's graph for the context's purpose: see <see cref="OnnxModule"/>.</summary>
    internal Tensor Build(Tensor samples, ModuleContext module)
    {
        var mode = new ModelMode(module, training is null ? parts.Statistics : ImmutableDictionary<string, double>.Empty, samples.Shape[0], FixedSamples);
        var importer = new OnnxImporter(model, context with { Mode = mode });
        var values = new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { [Input.Name] = OnnxInput.Fit(Input, samples) };
        foreach (string name in parts.Parameters)
            values[name] = Of(module.Parameter(name, ShapeOf(name), default, First(importer, name)));
        bool own = training is not null && module.Training;
        foreach (string name in parts.Statistics.Keys)
        {
            values[name] = Of(module.Training ? Placeholder.Create(module.Inside(name).Path, new TensorType(module.DType, ShapeOf(name)), Plans.BlockKind.Variable)
                : module.Statistic(name, ShapeOf(name), First(importer, name), Keep(name), null));
        }

        if (own)
            values[training!.Algorithm.Input[1].Name] = new GraphTensor(ElementType.Int32, module.Step!);
        string[] wanted = own ? [training!.Algorithm.Output[0].Name, .. parts.Statistics.Keys.Select(s => Running(s).Input[1])] : [Output];
        var made = importer.Run(own ? training!.Algorithm : model.Graph, values, wanted);
        int at = 1;
        foreach (string name in module.Training ? parts.Statistics.Keys : [])
            module.Statistic(name, ShapeOf(name), First(importer, name), Keep(name), own ? Tensor(made[at++]) : mode.Observed(name));
        return Tensor(made[0]);

        static GraphTensor Of(Tensor tensor) => new(ElementTypes.Of(tensor.DType), tensor);
    }

    /// <summary>The first dimension of the input, where the file has a number there.</summary>
    public long FixedSamples => Input.Type?.TensorType?.Shape?.Dim.FirstOrDefault()?.DimValue ?? 0;

    private Shape ShapeOf(string name) => TensorReader.ShapeOf([.. initialisers.TryGetValue(name, out var tensor) ? tensor.Dims
        : inputs.GetValueOrDefault(name)?.Type?.TensorType?.Shape?.Dim.Select(d => d.DimValue) ?? throw new OnnxException($"the model does not say what '{name}' is")],
        context.Limits, () => $"'{name}'");

    /// <summary>Values that the file has are read once.</summary>
    private Initialiser First(OnnxImporter importer, string name) => !initialisers.TryGetValue(name, out var tensor) ? new FirstValue(this, name) : given.GetOrAdd(name, _ =>
        importer.Reader.Read(tensor) is HostTensor { Element: ElementType.Float } host ? new GivenValues(host.Data)
            : throw new OnnxUnsupportedException($"parameter '{name}' is {((ElementType)tensor.DataType).Name()}, and only float32 is trained"));

    private double Keep(string name)
    {
        if (training is null)
            return parts.Statistics[name];
        var node = Running(name);
        return node.Attribute.FirstOrDefault(a => a.Name == "keep") is { } keep ? Attributes.Refined(node, "keep", keep.F) : throw new OnnxException($"statistic '{name}' has no rule");
    }

    /// <summary>The node that gives a statistic its next value.</summary>
    private NodeProto Running(string name)
    {
        string? output = training!.UpdateBinding.FirstOrDefault(b => b.Key == name)?.Value;
        return training.Algorithm.Node.FirstOrDefault(n => n.Output.Contains(output)) is { Domain: FunctionDraft.SingaDomain, Input.Count: 2 } node && node.OpType.Split('.')[0] == "Running"
            ? node : throw new OnnxException($"statistic '{name}' has no rule");
    }

    private ImmutableDictionary<string, Tensor> FirstValues()
    {
        if (training?.Initialization is not { } graph)
            return ImmutableDictionary<string, Tensor>.Empty;
        var made = new OnnxImporter(model).Run(graph, new Dictionary<string, OnnxValue>(), training.InitializationBinding.Select(b => b.Value));
        return training.InitializationBinding.Zip(made).ToImmutableDictionary(b => b.First.Key, b => Tensor(b.Second));
    }

    private static Tensor Tensor(OnnxValue value) =>
        value is GraphTensor tensor ? tensor.Tensor : value is HostTensor host ? host.ToConstant() : throw new OnnxException("what is no tensor is neither trained nor answered");

    private sealed record FirstValue(OnnxModel Model, string Name) : Initialiser
    {
        public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) =>
            Model.firstValues.Value.GetValueOrDefault(Name) ?? throw new GraphException($"the model does not say what '{Name}' begins with");
    }
}
