using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Chains of pointwise ops become one, and a chain that ends in a reduction is computed while reducing. Only what nobody else
/// reads, and what has as many elements as its reader, is taken in: nothing is computed twice.
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
        bool Absorbs(int i) => inputs[i].Producer.Op is Pointwise && inputs[i].Shape == domain
            && rewriter.Uses(node.Inputs[i]) == node.Inputs.Count(t => t == node.Inputs[i]);

        var absorbed = Enumerable.Range(0, inputs.Length).Where(Absorbs).ToHashSet();
        if (absorbed.Count == 0)
            return null;
        var sources = new List<Tensor>();
        var arguments = inputs.Select((input, i) => absorbed.Contains(i)
            ? ScalarBody.Inline(((Pointwise)input.Producer.Op).Body, [.. input.Producer.Inputs.Select(Source)])[0] : Source(input)).ToArray();
        if (sources.Count > ArgumentCountMax)
            return null;
        var merged = ScalarBody.Inline(body, arguments)[0];
        var (used, program) = ScalarBody.Narrow(ScalarBody.Compile([.. sources.Select(s => s.DType)], merged));
        return ([.. used.Select(i => sources[i])], program);

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
