using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>
/// How nodes of ONNX's own operators look, whether we have them or not: how many inputs and outputs, which attributes of which kind, all
/// versions taken together. <c>OperatorForms.txt</c> has a line an operator.
/// </summary>
internal static class OperatorForms
{
    private sealed record Form(int InputsMin, int InputsMax, int OutputsMin, int OutputsMax, ImmutableDictionary<string, Kind[]> Attributes);

    private static readonly Dictionary<string, Form> Known = Read();

    /// <exception cref="OnnxException">The node is not one of its operator.</exception>
    public static void Check(NodeProto node, string name, long version)
    {
        if (Frame.Domain(node.Domain).Length > 0 || version == 0 || !Known.TryGetValue(node.OpType, out var form))
            return;
        Count(node.Input.Count, form.InputsMin, form.InputsMax, "inputs");
        Count(node.Output.Count, form.OutputsMin, form.OutputsMax, "outputs");
        for (int i = 0; i < form.InputsMin; i++)
        {
            if (node.Input[i].Length == 0)
                throw new OnnxException($"{name} leaves out input {i}, which it needs");
        }

        foreach (var attribute in node.Attribute)
        {
            if (!form.Attributes.TryGetValue(attribute.Name, out var kinds))
                throw new OnnxException($"{name} has attribute {attribute.Name}, which {node.OpType} does not");
            if (attribute.HasType && attribute.Type != Kind.Undefined && !kinds.Contains(attribute.Type))
                throw new OnnxException($"attribute {attribute.Name} of {name} is of type {attribute.Type} and should be {string.Join(" or ", kinds)}");
        }

        void Count(int count, int least, int most, string what)
        {
            if (count < least || count > most)
                throw new OnnxException($"{name} has {count} {what}; {node.OpType} has {(least == most ? $"{least}" : most == int.MaxValue ? $"at least {least}" : $"{least} to {most}")}");
        }
    }

    private static Dictionary<string, Form> Read()
    {
        using var stream = typeof(OperatorForms).Assembly.GetManifestResourceStream("Singa.Actors.OperatorForms.txt")!;
        using var text = new StreamReader(stream);
        var forms = new Dictionary<string, Form>(StringComparer.Ordinal);
        while (text.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var (inputs, outputs) = (Range(words[1]), Range(words[2]));
            // What the very first versions said of memory that may be written over.
            var attributes = words[3..].Append("consumed_inputs:I").Select(w => w.Split(':')).ToImmutableDictionary(w => w[0], w => w[1].Select(KindOf).ToArray());
            forms.Add(words[0], new Form(inputs.Least, inputs.Most, outputs.Least, outputs.Most, attributes));
        }

        return forms;
    }

    private static (int Least, int Most) Range(string text)
    {
        string[] ends = text.Split('-');
        int Number(string end) => end == "*" ? int.MaxValue : int.Parse(end, CultureInfo.InvariantCulture);
        return (Number(ends[0]), Number(ends[^1]));
    }

    private static Kind KindOf(char letter) => letter switch
    {
        'f' => Kind.Float,
        'i' => Kind.Int,
        's' => Kind.String,
        't' => Kind.Tensor,
        'g' => Kind.Graph,
        'y' => Kind.TypeProto,
        'p' => Kind.SparseTensor,
        'F' => Kind.Floats,
        'I' => Kind.Ints,
        'S' => Kind.Strings,
        _ => throw new InvalidDataException($"no kind of attribute is called '{letter}'"),
    };
}
