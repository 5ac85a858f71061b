using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Onnx;

/// <summary>What a run gave. <c>Random</c>: whether chance took part in an output.</summary>
public sealed record OnnxResult(ImmutableArray<OnnxValue> Outputs, ImmutableArray<bool> Random);

/// <summary>
/// Runs an ONNX model on one backend in the calling thread: the graph is built for the shapes (and, where its form depends on them, the values)
/// that are given. Not thread-safe.
/// </summary>
public sealed class OnnxSession
{
    // Smaller initialisers may be shapes and indices: as constants they can be folded.
    private const long ConstantElements = 1024;

    private readonly ModelProto model;
    private readonly IBackend backend;
    private readonly ImportContext context;
    private readonly Dictionary<string, ReadOnlyMemory<byte>> contents = [];

    /// <param name="external">Where the model's elements lie that it keeps beside itself.</param>
    /// <exception cref="OnnxUnsupportedException">Operators are missing; all of them and their nodes are named.</exception>
    public OnnxSession(ModelProto model, IBackend backend, IExternalData? external = null)
    {
        (this.model, this.backend) = (model, backend);
        Coverage.Check(model);
        context = new ImportContext { External = external ?? NoExternalData.Instance, Initialiser = Initialiser, Evaluate = t => Compute([t])[0] };
    }

    /// <param name="inputs">Host values by the names of the graph's inputs.</param>
    /// <exception cref="OnnxException">The model contradicts itself or does not fit its inputs.</exception>
    /// <exception cref="OnnxUnsupportedException">It asks for what this version does not have.</exception>
    public OnnxResult Run(IReadOnlyDictionary<string, OnnxValue> inputs)
    {
        contents.Clear();
        var outputs = new OnnxImporter(model, context).Run(inputs.ToDictionary(i => i.Key, i => Input(i.Key, i.Value)));
        var tensors = outputs.SelectMany(Tensors).Distinct().ToImmutableArray();
        var values = tensors.Zip(Compute(tensors)).ToDictionary(p => p.First, p => p.Second);
        return new OnnxResult([.. outputs.Select(o => OnHost(o, values))],
            [.. outputs.Select(o => Traversal.From(Tensors(o)).Any(n => n.Op is RandomBits))]);
    }

    /// <summary>A place in the graph that the value is uploaded to.</summary>
    private OnnxValue Input(string name, OnnxValue value)
    {
        switch (value)
        {
            case HostTensor tensor:
                contents[name] = tensor.Data;
                return new GraphTensor(tensor.Element, Placeholder.Create(name, tensor.Type, BlockKind.Input));
            case SequenceValue sequence:
                return new SequenceValue([.. sequence.Items.Select((item, i) => Input($"{name}[{i}]", item))]);
            case OptionalValue { Value: { } inner }:
                return new OptionalValue(Input(name, inner));
            default:
                return value;
        }
    }

    private Tensor? Initialiser(string name, HostTensor value)
    {
        if (value.Shape.Count <= ConstantElements || !value.Element.IsFloat())
            return null;
        contents[$"initialiser {name}"] = value.Data;
        return Placeholder.Create($"initialiser {name}", value.Type, BlockKind.Variable);
    }

    private static IEnumerable<Tensor> Tensors(OnnxValue value) => value switch
    {
        GraphTensor tensor => [tensor.Tensor],
        SequenceValue sequence => sequence.Items.SelectMany(Tensors),
        OptionalValue { Value: { } inner } => Tensors(inner),
        _ => [],
    };

    private static OnnxValue OnHost(OnnxValue value, Dictionary<Tensor, byte[]> values) => value switch
    {
        GraphTensor tensor => new HostTensor(tensor.Element, tensor.Tensor.Shape, values[tensor.Tensor]),
        SequenceValue sequence => new SequenceValue([.. sequence.Items.Select(i => OnHost(i, values))]),
        OptionalValue optional => new OptionalValue(optional.Value is { } inner ? OnHost(inner, values) : null),
        _ => value,
    };

    private byte[][] Compute(ImmutableArray<Tensor> tensors)
    {
        var results = tensors.Select(t => new byte[t.Type.Bytes]).ToArray();
        int[] wanted = [.. Enumerable.Range(0, tensors.Length).Where(i => results[i].Length > 0)];
        if (wanted.Length == 0)
            return results;
        var builder = new PlanBuilder();
        var buffers = new List<Memory<byte>>();
        List<Kernel> uploads = [], downloads = [];
        var placeholders = Traversal.From(wanted.Select(i => tensors[i])).Select(n => n.Op).OfType<Placeholder>().DistinctBy(p => p.Label).ToArray();
        foreach (var placeholder in placeholders)
        {
            var operand = builder.Declare(placeholder.Label, placeholder.Kind, placeholder.Type);
            if (placeholder.Kind != BlockKind.Input || placeholder.Type.Bytes == 0)
                continue;
            uploads.Add(new UploadKernel(buffers.Count, operand));
            buffers.Add(System.Runtime.InteropServices.MemoryMarshal.AsMemory(contents[placeholder.Label]));
        }

        var outputs = new List<(Tensor, Operand)>();
        foreach (int i in wanted)
        {
            var operand = builder.Declare($"output {i}", BlockKind.Output, tensors[i].Type);
            outputs.Add((tensors[i], operand));
            downloads.Add(new DownloadKernel(buffers.Count, operand));
            buffers.Add(results[i]);
        }

        builder.AddSection("run", uploads, outputs, downloads);
        using var runner = new PlanRunner(backend, builder.Build());
        foreach (var block in runner.Loaded.Plan.Blocks.Where(b => b.Kind == BlockKind.Variable))
            runner.Loaded.WriteBlock(block.Id, contents[block.Name].Span);
        runner.Run("run", [.. buffers]);
        return results;
    }
}
