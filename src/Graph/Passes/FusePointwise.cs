using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Chains of pointwise ops become one, and a chain that ends in a reduction is computed while reducing. Only what nobody else
/// reads, and what has as many elements as its reader, is taken in: nothing is computed twice. A reshape in between that only splits the
/// outermost axis (shards × samples) is no obstacle: the taken op works as well after it.
/// </summary>
internal static class FusePointwise
{
    // Each argument is a pointer and often a vector register; beyond this kernels spill and gain nothing.
    public const int ArgumentCountMax = 12;

    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs) => node.Op switch
    {
        Pointwise op when Merge(rewriter, node, inputs, op.Body, node.Output.Shape) is var (sources, body) =>
            rewriter.Make(new Pointwise(Label(node, inputs, op.Label), body), sources, node.Scope).Output,
        Reduce op when Merge(rewriter, node, inputs, op.Body, op.Domain) is var (sources, body) =>
            rewriter.Make(op with { Body = body }, sources, node.Scope).Output,
        _ => null,
    };

    private static (ImmutableArray<Tensor> Sources, ScalarProgram Body)? Merge(
        Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs, ScalarProgram body, Shape domain)
    {
        var absorbed = Enumerable.Range(0, inputs.Length).Select(Absorbed).ToArray();
        if (absorbed.All(a => a is null))
            return null;
        var sources = new List<Tensor>();
        var arguments = inputs.Select((input, i) => absorbed[i] is var (op, taken) ? ScalarBody.Inline(op.Body, [.. taken.Select(Source)])[0] : Source(input)).ToArray();
        if (sources.Count > ArgumentCountMax)
            return null;
        var merged = ScalarBody.Inline(body, arguments)[0];
        var (used, program) = ScalarBody.Narrow(ScalarBody.Compile([.. sources.Select(s => s.DType)], merged));
        return ([.. used.Select(i => sources[i])], program);

        // The op behind an input that nobody else reads, and that op's own inputs.
        (Pointwise Op, IEnumerable<Tensor> Inputs)? Absorbed(int i)
        {
            if (inputs[i].Shape != domain || rewriter.Uses(node.Inputs[i]) != node.Inputs.Count(t => t == node.Inputs[i]))
                return null;
            var producer = inputs[i].Producer;
            if (producer.Op is Pointwise op)
                return (op, producer.Inputs);
            return producer is { Op: Reshape, Inputs: [{ Producer: { Op: Pointwise behind } source }] } && HoistReshapes.SplitsOutermost(source.Output.Shape, domain)
                && node.Inputs[i].Producer is { Op: Reshape, Inputs: [var old] } && rewriter.Uses(old) == 1 && source.Inputs.All(t => Split(source, t) is not null)
                    ? (behind, source.Inputs.Select(t => Split(source, t)!)) : null;
        }

        // An input of an op as it is when the op's outermost axis has been split to that of the domain.
        Tensor? Split(Node of, Tensor input)
        {
            int rank = of.Output.Shape.Rank;
            if (input.Shape.Rank < rank || input.Shape[0] == 1)
                return input;
            return input.Shape[0] != of.Output.Shape[0] ? null
                : rewriter.Make(new Reshape(Shape.Of([domain[0], domain[1], .. input.Shape.Dims[1..]])), [input], of.Scope).Output;
        }

        Scalar Source(Tensor tensor)
        {
            int index = sources.IndexOf(tensor);
            if (index < 0)
            {
                index = sources.Count;
                sources.Add(tensor);
            }

            return Scalar.Argument(index, tensor.DType);
        }
    }

    private static string Label(Node node, ImmutableArray<Tensor> inputs, string own)
    {
        var parts = inputs.Where(i => i.Producer.Op is Pointwise).Select(i => i.Producer.Op.Name).Append(own).SelectMany(n => n.Split('·')).ToArray();
        return parts.Length <= 4 ? string.Join('·', parts) : $"{string.Join('·', parts[..3])}·…";
    }
}
