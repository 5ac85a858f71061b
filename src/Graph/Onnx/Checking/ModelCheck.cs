using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>
/// Whether a model is one: every part there and of the right kind, names made once and before they are read, tensors as large as they say, and,
/// where all shapes are known, nodes that fit their inputs. Operators that this version lacks are no fault.
/// </summary>
public static class ModelCheck
{
    private const long IrVersionMax = 64, OpsetVersionMax = 1024;

    /// <exception cref="OnnxException">It is not well-formed: one sentence.</exception>
    public static void Run(ModelProto model, IExternalData external, OnnxLimits? limits = null)
    {
        limits ??= OnnxLimits.Default;
        if (!model.HasIrVersion || model.IrVersion is < 1 or > IrVersionMax)
            throw new OnnxException(model.HasIrVersion ? $"ir_version is {model.IrVersion}" : "ir_version is missing");
        if (model.Graph is null)
            throw new OnnxException("the model has no graph");
        Opsets(model.OpsetImport, "the model", required: model.IrVersion >= 3);
        if (model.MetadataProps.GroupBy(m => m.Key).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new OnnxException($"the model's metadata has '{twice.Key}' twice");
        var reader = new TensorReader(limits, external);
        FunctionCheck.Run(model, reader, limits);
        new GraphCheck(reader, limits, Frame.OpsetsOf(model.OpsetImport), model.IrVersion).Run(model.Graph, null);
        ShapeCheck.Run(model, external, limits);
    }

    internal static void Opsets(IReadOnlyList<OperatorSetIdProto> imports, string who, bool required)
    {
        if (required && imports.Count == 0)
            throw new OnnxException($"{who} imports no version of any operators");
        if (imports.FirstOrDefault(o => o.Version is < 1 or > OpsetVersionMax) is { } wrong)
            throw new OnnxException($"{who} imports version {wrong.Version} of '{wrong.Domain}'");
        if (imports.GroupBy(o => Frame.Domain(o.Domain)).FirstOrDefault(g => g.Select(o => o.Version).Distinct().Count() > 1) is { } twice)
            throw new OnnxException($"{who} imports two versions of '{twice.Key}'");
    }
}
