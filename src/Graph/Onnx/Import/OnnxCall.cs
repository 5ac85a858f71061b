using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>One node on its way into the graph: what an operator's rule asks for its inputs and attributes, and how it answers.</summary>
internal sealed class OnnxCall(OnnxImporter importer, Frame frame, NodeProto node, ImmutableArray<OnnxValue?> inputs)
{
    private readonly Dictionary<string, AttributeProto> attributes = node.Attribute.Select(a => OnnxImporter.Resolve(a, frame)).OfType<AttributeProto>()
        .GroupBy(a => a.Name).ToDictionary(g => g.Key, g => g.First());

    /// <summary>The version of the domain that the model imports.</summary>
    public long Version { get; } = frame.Opsets.GetValueOrDefault(Frame.Domain(node.Domain));

    /// <summary>The node's own name, or that of its first output.</summary>
    public string Name => node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault() ?? "";

    public int Inputs => inputs.Length;

    public int Outputs => node.Output.Count;

    public ImportContext Context => importer.Context;

    /// <summary>The function that the node calls, where the model has it.</summary>
    /// <exception cref="OnnxException">It has not.</exception>
    public FunctionProto Function => importer.Function(node) ?? throw new OnnxException("the model has no such function");

    /// <summary>Whether an input is given; optional ones may not be.</summary>
    public bool Has(int input) => input < inputs.Length && inputs[input] is not null;

    /// <summary>Whether anybody asks for an output.</summary>
    public bool Wants(int output) => output < node.Output.Count && node.Output[output].Length > 0;

    public OnnxValue Value(int input) => Has(input) ? inputs[input]! : throw new OnnxException($"input {input} is missing");

    /// <summary>What an input is called in the model; empty where it is left out.</summary>
    public string InputName(int input) => input < node.Input.Count ? node.Input[input] : "";

    /// <summary>All inputs, of operators that take any number.</summary>
    public ImmutableArray<GraphTensor> All => [.. Enumerable.Range(0, inputs.Length).Select(In)];

    public GraphTensor In(int input) => AsTensor(Value(input));

    public GraphTensor AsTensor(OnnxValue value) => value switch
    {
        GraphTensor tensor => tensor,
        HostTensor tensor => new GraphTensor(tensor.Element, tensor.ToConstant()),
        OptionalValue { Value: { } inner } => AsTensor(inner),
        HostTexts => throw new OnnxUnsupportedException("texts are not computed with here"),
        _ => throw new OnnxException("a tensor is needed, and here is none"),
    };

    public Tensor X(int input = 0) => In(input).Tensor;

    public ElementType Element(int input = 0) => Value(input) switch
    {
        GraphTensor tensor => tensor.Element,
        HostTensor tensor => tensor.Element,
        HostTexts => ElementType.String,
        _ => throw new OnnxException($"input {input} is no tensor"),
    };

    /// <summary>A tensor's shape, texts' too.</summary>
    public Shape Shape(int input = 0) => Value(input) is HostTexts texts ? texts.Shape : X(input).Shape;

    /// <summary>An axis of the first input as 0, 1, …, from a number that may count from the end.</summary>
    /// <exception cref="OnnxException">There is no such axis.</exception>
    public static int Axis(long axis, int rank) => axis >= -rank && axis < rank ? (int)(axis < 0 ? axis + rank : axis)
        : throw new OnnxException($"a tensor of {rank} dimensions has no axis {axis}");

    public static int[] Axes(IEnumerable<long> axes, int rank)
    {
        int[] all = [.. axes.Select(a => Axis(a, rank))];
        return all.Distinct().Count() == all.Length ? all : throw new OnnxException($"axes {string.Join(", ", all)} name one twice");
    }

    /// <summary>The elements of an input that the graph's form depends on.</summary>
    public HostTensor Known(int input) => importer.Known(Value(input), $"input {input}");

    /// <summary>What a name of the surrounding graph stands for.</summary>
    public GraphTensor Named(string name) => AsTensor(frame.Find(name) ?? throw new OnnxException($"nothing before it makes '{name}'"));

    public HostTensor KnownOf(OnnxValue value) => importer.Known(value, "a value");

    public HostTexts Texts(int input) => Value(input) as HostTexts ?? throw new OnnxException($"input {input} is no tensor of texts");

    /// <summary>A known input's elements as whole numbers.</summary>
    public long[] Integers(int input) => Integers(Known(input));

    public static long[] Integers(HostTensor tensor) => HostNumbers.Integers(tensor);

    /// <summary>A known input's elements as floating numbers.</summary>
    public double[] Floats(int input) => Floats(Known(input));

    public static double[] Floats(HostTensor tensor) => HostNumbers.Floats(tensor);

    public bool HasAttribute(string name) => attributes.ContainsKey(name);

    public long Int(string name, long? otherwise = null) => Find(name, Kind.Int)?.I ?? otherwise ?? throw Missing(name);

    public bool Flag(string name, bool otherwise = false) => Int(name, otherwise ? 1 : 0) != 0;

    public double Float(string name, double? otherwise = null) =>
        Find(name, Kind.Float) is { } attribute ? Export.Attributes.Refined(node, name, attribute.F) : otherwise ?? throw Missing(name);

    /// <summary>As <see cref="Float"/>, of a number that came in another way.</summary>
    public double Refined(string name, double value) => (float)value == value ? Export.Attributes.Refined(node, name, (float)value) : value;

    /// <summary>A number that some operators have as a whole one and others as a floating one.</summary>
    public double Number(string name) => attributes[name].Type == Kind.Int ? Int(name) : Float(name);

    public string Text(string name, string? otherwise = null) => Find(name, Kind.String)?.S.ToStringUtf8() ?? otherwise ?? throw Missing(name);

    public long[]? Ints(string name) => Find(name, Kind.Ints) is { } a ? [.. a.Ints] : null;

    public long[] RequiredInts(string name) => Ints(name) ?? throw Missing(name);

    public double[]? Floats(string name) => Find(name, Kind.Floats) is { } a ? [.. a.Floats.Select(f => (double)f)] : null;

    public string[]? Texts(string name) => Find(name, Kind.Strings) is { } a ? [.. a.Strings.Select(s => s.ToStringUtf8())] : null;

    public OnnxValue? Tensor(string name) => Find(name, Kind.Tensor) is { } a ? importer.Read(a.T ?? throw Missing(name), Name) : null;

    public SparseTensorProto? Sparse(string name) => Find(name, Kind.SparseTensor)?.SparseTensor;

    public OnnxValue Read(SparseTensorProto sparse) => importer.Reader.Read(SparseTensors.ToDense(sparse, importer.Reader, Context.Limits));

    public GraphProto Graph(string name) => Find(name, Kind.Graph)?.G ?? throw Missing(name);

    /// <summary>An element type by the number of an attribute.</summary>
    public ElementType Type(string name, ElementType? otherwise = null) => !HasAttribute(name) && otherwise is { } type ? type
        : Int(name) is var number && ElementTypes.IsKnown((int)number) ? (ElementType)number
        : throw new OnnxException($"attribute {name} is {number}, which is no element type");

    /// <summary>What newer versions have as an input and older ones as an attribute; null where neither is given.</summary>
    public long[]? IntsOrInput(string name, int input) => Has(input) ? Integers(input) : Ints(name);

    /// <summary>Builds a graph within this node.</summary>
    public ImmutableArray<OnnxValue> Run(GraphProto graph, params ReadOnlySpan<OnnxValue> given) => importer.Run(graph, frame, given);

    /// <summary>Builds a graph within the function that this node calls, whose inputs are the node's.</summary>
    public ImmutableArray<OnnxValue> RunInFunction(GraphProto graph, ReadOnlySpan<OnnxValue> arguments, ReadOnlySpan<OnnxValue> given) =>
        importer.Run(graph, importer.Enter(Function, frame, arguments), given);

    /// <summary>A result of the first input's element type.</summary>
    public GraphTensor Out(Tensor tensor) => Out(tensor, Element());

    /// <summary>A result of an element type, brought to its values.</summary>
    public static GraphTensor Out(Tensor tensor, ElementType element) => new(element, Narrowing.To(element, tensor));

    /// <summary>A result whose elements are an input's own, only moved.</summary>
    public GraphTensor Moved(Tensor tensor, int input = 0) => new(Element(input), tensor);

    public static HostTensor Host(ElementType element, Shape shape, ReadOnlySpan<long> values) => element.Storage() == DType.Int64
        ? new HostTensor(element, shape, MemoryMarshal.AsBytes(values).ToArray())
        : new HostTensor(element, shape, MemoryMarshal.AsBytes(values.ToArray().Select(v => (int)v).ToArray().AsSpan()).ToArray());

    /// <summary>Whole numbers as a constant of type Int64.</summary>
    public static GraphTensor Longs(Shape shape, params ReadOnlySpan<long> values) => new(ElementType.Int64, Host(ElementType.Int64, shape, values).ToConstant());

    private AttributeProto? Find(string name, Kind kind)
    {
        if (!attributes.TryGetValue(name, out var attribute))
            return null;
        // Early files leave the type out.
        if (attribute.HasType && attribute.Type != Kind.Undefined && attribute.Type != kind)
            throw new OnnxException($"attribute {name} is of type {attribute.Type} and should be {kind}");
        return attribute;
    }

    private static OnnxException Missing(string name) => new($"attribute {name} is missing");
}
