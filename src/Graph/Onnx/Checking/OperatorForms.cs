using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>
/// How nodes of ONNX's own operators look, whether we have them or not: how many inputs and outputs, which attributes of which kind. Source:
/// the operators' specification, up to version 17 as it is, later ones taken together.
/// </summary>
internal static class OperatorForms
{
    private static readonly ILookup<string, OperatorForm> Known = Read();

    /// <summary>The operator as a version of its domain has it; null: nothing is known of it.</summary>
    public static OperatorForm? Find(NodeProto node, long version)
    {
        string domain = Frame.Domain(node.Domain);
        return Known[domain.Length == 0 ? node.OpType : $"{domain}:{node.OpType}"].LastOrDefault(f => f.Since <= version);
    }

    /// <exception cref="OnnxException">The node is not one of its operator.</exception>
    public static void Check(NodeProto node, string name, OperatorForm form)
    {
        Count(node.Input.Count, form.Inputs, "inputs");
        Count(node.Output.Count, form.Outputs, "outputs");
        for (int i = 0; i < form.Inputs.Least; i++)
        {
            if (node.Input[i].Length == 0 && OperatorForm.At(form.In, i) is not { IsOptional: true })
                throw new OnnxException($"{name} leaves out input {i}, which it needs");
        }

        foreach (var attribute in node.Attribute)
        {
            if (!form.Attributes.TryGetValue(attribute.Name, out var slot))
                throw new OnnxException($"{name} has attribute {attribute.Name}, which {node.OpType} does not");
            if (attribute.HasType && attribute.Type != Kind.Undefined && !slot.Kinds.Contains(attribute.Type))
                throw new OnnxException($"attribute {attribute.Name} of {name} is of type {attribute.Type} and should be {string.Join(" or ", slot.Kinds)}");
        }

        if (form.Attributes.FirstOrDefault(a => a.Value.IsRequired && !node.Attribute.Any(b => b.Name == a.Key)) is { Key: { } missing })
            throw new OnnxException($"{name} lacks attribute {missing}");

        if (form.Name == "Constant" && node.Attribute.Count != 1)
            throw new OnnxException($"{name} has {node.Attribute.Count} values; a Constant has one");

        void Count(int count, Count right, string what)
        {
            if (!right.Has(count))
                throw new OnnxException($"{name} has {count} {what}; {node.OpType} has {right}");
        }
    }

    private static ILookup<string, OperatorForm> Read()
    {
        using var stream = typeof(OperatorForms).Assembly.GetManifestResourceStream("Singa.Actors.OperatorForms.txt")!;
        using var text = new StreamReader(stream);
        var (sets, forms) = (new Dictionary<string, ImmutableArray<string>>(), new List<OperatorForm>());
        while (text.ReadLine() is { } line)
        {
            if (line.StartsWith("= ", StringComparison.Ordinal))
                sets.Add(line.Split(' ')[1], [.. line.Split(' ')[2].Split('|')]);
            else if (line.Length > 0 && line[0] != '#')
                forms.Add(OperatorForm.Parse(line, sets));
        }

        return forms.ToLookup(f => f.Name);
    }
}
