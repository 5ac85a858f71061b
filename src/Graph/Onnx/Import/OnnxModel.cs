using System.Collections.Immutable;
using System.Security.Cryptography;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>A file's model as something to train: what its parameters and running statistics are and begin with. Equal where the bytes are.</summary>
public sealed class OnnxModel : IEquatable<OnnxModel>
{
    private readonly ModelProto model;
    private readonly TrainingInfoProto? training;
    private readonly Lazy<ImmutableDictionary<string, Tensor>> firstValues;

    private OnnxModel(string id, ModelProto model)
    {
        (Id, this.model) = (id, model);
        training = model.TrainingInfo.FirstOrDefault();
        firstValues = new(FirstValues);
    }

    /// <summary><c>sha256:…</c> of the bytes.</summary>
    public string Id { get; }

    /// <summary>The model in words, where it says so; else what it is.</summary>
    public string Description => model.Get(ModelKeys.Description) ?? $"ONNX {Id}";

    /// <summary>What the model's metadata say under a key; null: nothing.</summary>
    public string? Property(string key) => model.Get(key);

    /// <exception cref="OnnxException">The bytes are no model, or one that contradicts itself.</exception>
    /// <exception cref="OnnxUnsupportedException">It asks for what this version does not have; all of it is named.</exception>
    public static OnnxModel Read(ReadOnlyMemory<byte> data, OnnxLimits? limits = null)
    {
        var model = OnnxFile.ReadModel(data.Span, limits);
        Coverage.Check(model);
        return new OnnxModel("sha256:" + Convert.ToHexStringLower(SHA256.HashData(data.Span)), model);
    }

    public bool Equals(OnnxModel? other) => other is not null && Id == other.Id;

    public override bool Equals(object? obj) => Equals(obj as OnnxModel);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Description;

    /// <summary>The model's graph for the context's purpose: see <see cref="OnnxModule"/>.</summary>
    internal Tensor Build(Tensor input, ModuleContext context)
    {
        var importer = new OnnxImporter(model);
        var types = model.Graph.Input.ToDictionary(i => i.Name, i => i.Type?.TensorType);
        var given = model.Graph.Initializer.ToDictionary(i => i.Name);
        var values = new Dictionary<string, OnnxValue> { [model.Graph.Input[0].Name] = new GraphTensor(ElementTypes.Of(input.DType), input) };
        foreach (string name in model.GetList(ModelKeys.Parameters) ?? [])
            values[name] = Of(context.Parameter(name, ShapeOf(name), default, given.TryGetValue(name, out var tensor) ? Given(importer, tensor) : new FirstValue(this, name)));
        var statistics = model.GetList(ModelKeys.Statistics) ?? [];
        if (training is null || !context.Training)
        {
            foreach (string name in statistics)
            {
                var (initial, keep) = Rule(name);
                values[name] = Of(context.Statistic(name, ShapeOf(name), initial, keep, null));
            }

            return Tensor(importer.Run(model.Graph, values, [model.Graph.Output[0].Name])[0]);
        }

        var step = training.Algorithm;
        values[step.Input[1].Name] = new GraphTensor(ElementType.Int32, context.Step!);
        foreach (string name in statistics)
            values[name] = Of(Placeholder.Create(context.Inside(name).Path, new TensorType(context.DType, ShapeOf(name)), Plans.BlockKind.Variable));
        var made = importer.Run(step, values, [step.Output[0].Name, .. statistics.Select(s => Running(s).Input[1])]);
        for (int i = 0; i < statistics.Length; i++)
        {
            var (initial, keep) = Rule(statistics[i]);
            context.Statistic(statistics[i], ShapeOf(statistics[i]), initial, keep, Tensor(made[i + 1]));
        }

        return Tensor(made[0]);

        GraphTensor Of(Tensor tensor) => new(ElementTypes.Of(tensor.DType), tensor);

        Shape ShapeOf(string name) => given.TryGetValue(name, out var tensor) ? Shape.Of([.. tensor.Dims])
            : Shape.Of([.. types.GetValueOrDefault(name)?.Shape.Dim.Select(d => d.DimValue) ?? throw new OnnxException($"the model has no '{name}'")]);
    }

    internal Tensor First(string name) => firstValues.Value.GetValueOrDefault(name) ?? throw new OnnxException($"the model does not say what '{name}' begins with");

    private static Tensor Tensor(OnnxValue value) => value is GraphTensor tensor ? tensor.Tensor : value is HostTensor host ? host.ToConstant() : throw new OnnxException("a model gives a tensor");

    private static GivenValues Given(OnnxImporter importer, TensorProto tensor) =>
        importer.Reader.Read(tensor) is HostTensor { Element: ElementType.Float } host ? new GivenValues(host.Data) : throw new OnnxException($"parameter '{tensor.Name}' is no float32");

    /// <summary>The node that gives a statistic its next value.</summary>
    private NodeProto Running(string name)
    {
        string output = Bound(training!.UpdateBinding, name);
        return training.Algorithm.Node.FirstOrDefault(n => n.Output.Contains(output)) is { Domain: FunctionDraft.SingaDomain, Input.Count: 2 } node && node.OpType.Split('.')[0] == "Running"
            ? node : throw new OnnxException($"statistic '{name}' has no rule");
    }

    private (double Initial, double Keep) Rule(string name)
    {
        if (training is null)
            return (0, 0);
        var node = Running(name);
        float keep = node.Attribute.FirstOrDefault(a => a.Name == "keep")?.F ?? throw new OnnxException($"statistic '{name}' has no rule");
        return (First(name).Producer.Op is Fill fill ? fill.Value : throw new OnnxException($"statistic '{name}' does not begin with one number"), Attributes.Refined(node, "keep", keep));
    }

    private ImmutableDictionary<string, Tensor> FirstValues()
    {
        if (training?.Initialization is not { } graph)
            return ImmutableDictionary<string, Tensor>.Empty;
        var made = new OnnxImporter(model).Run(graph, new Dictionary<string, OnnxValue>(), training.InitializationBinding.Select(b => b.Value));
        return training.InitializationBinding.Zip(made).ToImmutableDictionary(b => b.First.Key, b => Tensor(b.Second));
    }

    private static string Bound(IEnumerable<StringStringEntryProto> bindings, string name) =>
        bindings.FirstOrDefault(b => b.Key == name)?.Value ?? throw new OnnxException($"nothing is bound to '{name}'");

    private sealed record FirstValue(OnnxModel Model, string Name) : Initialiser
    {
        public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Model.First(Name);
    }
}

/// <summary>
/// A model that was read: applied to samples it builds the file's graph for as many as there are, in training that of training. Random
/// numbers have the keys that the file says, whatever the job's seed.
/// </summary>
public sealed record OnnxModule(OnnxModel Model) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        try
        {
            return Model.Build(input, context);
        }
        catch (Exception e) when (e is OnnxException or OnnxUnsupportedException)
        {
            throw new GraphException(e.Message, e);
        }
    }

    public override string ToString() => Model.Description;
}
