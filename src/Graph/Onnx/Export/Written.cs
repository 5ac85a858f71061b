using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>What a node of an ONNX graph reads: a tensor of ours, or numbers of its own such as a shape.</summary>
internal abstract record WrittenInput
{
    public static implicit operator WrittenInput(Tensor tensor) => new OfTensor(tensor);

    public sealed record OfTensor(Tensor Tensor) : WrittenInput;

    /// <summary>Int64 [count]; <c>MayInfer</c>: one of them may be −1, which the node finds out by itself.</summary>
    public sealed record OfNumbers(Seq<long> Values, bool MayInfer = false) : WrittenInput;

    /// <summary>The number of samples, Int64 [1].</summary>
    public sealed record OfCount : WrittenInput;
}

/// <summary>
/// A node of ours (with others that only it reads) as one of an ONNX graph. It reads what stands in <c>Inputs</c> and gives the node's
/// results in their order.
/// </summary>
internal sealed record Written(string Operator, params ImmutableArray<WrittenInput> Inputs)
{
    public string Domain { get; init; } = "";

    public ImmutableArray<AttributeProto> Attributes { get; init; } = [];

    /// <summary>Numbers that attributes hold only in part.</summary>
    public ImmutableArray<StringStringEntryProto> Exact { get; init; } = [];

    /// <summary>What an operator of our own is in standard ones; the operator's name then is what the function's begins with.</summary>
    public FunctionProto? Body { get; init; }

    public static WrittenInput Numbers(Seq<long> values, bool mayInfer = false) => new WrittenInput.OfNumbers(values, mayInfer);

    public Written With(params ReadOnlySpan<AttributeProto> attributes) => this with { Attributes = [.. Attributes, .. attributes] };

    /// <summary>A floating attribute without loss.</summary>
    public Written WithFloat(string name, double value)
    {
        var exact = Export.Attributes.Exact(name, value);
        return this with { Attributes = Attributes.Add(Export.Attributes.Float(name, value)), Exact = exact is null ? Exact : Exact.Add(exact) };
    }
}

/// <summary>What a writer may ask.</summary>
/// <param name="Uses">How often a tensor is read: other nodes can go into the same operator only where nobody else reads them.</param>
internal sealed record WriteContext(Func<Tensor, int> Uses, FunctionLibrary Functions);

/// <summary>How a node of ours is written as an operator, null where it is something else; building the operator gives the very node again.</summary>
internal delegate Written? Writer(Node node, WriteContext context);
