using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>The domain of classical machine learning, as far as it is graph.</summary>
internal static class ClassicalOperators
{
    private const string Ml = "ai.onnx.ml";

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Binarizer", 1, c => c.Out(Pointwise.Apply("Binarizer", a => Fn.Select(a[0] > c.Float("threshold", 0), Scalar.Literal(1, a[0].Type!.Value), 0), c.X())), Ml),
        new("ArrayFeatureExtractor", 1, Extract, Ml),
        new("LabelEncoder", 4, Encode, Ml),
        new("TreeEnsemble", 5, c => TreeEnsembles.Build(c), Ml),
    ];

    private static OnnxValue Extract(OnnxCall c)
    {
        var x = c.X(0);
        var picked = x.Gather(Indexing.Whole(c.X(1).Reshape(Shape.Of(c.Shape(1).Count)), x.Shape[^1]), x.Shape.Rank - 1);
        return c.Moved(x.Shape.Rank == 1 ? picked.Reshape(picked.Shape.Prepend(1)) : picked);
    }

    /// <summary>Values by keys: a table of texts or numbers, looked up on the host.</summary>
    private static OnnxValue Encode(OnnxCall c)
    {
        string[] keys = Entries("keys"), values = Entries("values");
        if (keys.Length != values.Length)
            throw new OnnxException($"{keys.Length} keys for {values.Length} values");
        var table = new Dictionary<string, string>();
        for (int i = 0; i < keys.Length; i++)
            table.TryAdd(keys[i], values[i]);
        string[] items = c.Value(0) is HostTexts texts ? [.. texts.Texts] : c.Element().IsFloat() ? [.. c.Floats(0).Select(Text)] : [.. c.Integers(0).Select(n => n.ToString())];
        var (element, otherwise) = Kind();
        string[] found = [.. items.Select(i => table.GetValueOrDefault(i, otherwise))];
        if (element == ElementType.String)
            return new HostTexts(c.Shape(0), [.. found]);
        return element.IsFloat() ? OnnxCall.Out(Constant.Create<double>([.. found.Select(Number)], c.Shape(0)), element)
            : OnnxCall.Host(element, c.Shape(0), [.. found.Select(long.Parse)]);

        string[] Entries(string what) => c.Texts($"{what}_strings") ?? c.Ints($"{what}_int64s")?.Select(n => n.ToString()).ToArray()
            ?? c.Floats($"{what}_floats")?.Select(Text).ToArray() ?? TensorEntries(what);

        string[] TensorEntries(string what) => c.Tensor($"{what}_tensor") switch
        {
            HostTexts t => [.. t.Texts],
            HostTensor t => t.Element.IsFloat() ? [.. HostNumbers.Floats(t).Select(Text)] : [.. HostNumbers.Integers(t).Select(n => n.ToString())],
            _ => throw new OnnxException($"the {what} are missing"),
        };

        (ElementType, string) Kind()
        {
            if (c.Texts("values_strings") is not null)
                return (ElementType.String, c.Text("default_string", "_Unused"));
            if (c.Ints("values_int64s") is not null)
                return (ElementType.Int64, c.Int("default_int64", -1).ToString());
            if (c.Floats("values_floats") is not null)
                return (ElementType.Float, Text(c.Float("default_float", -0.0)));
            return (c.Tensor("values_tensor"), c.Tensor("default_tensor")) switch
            {
                (HostTexts, var d) => (ElementType.String, d is HostTexts t ? t.Texts[0] : "_Unused"),
                (HostTensor v, var d) when v.Element.IsFloat() => (v.Element, d is HostTensor t ? Text(HostNumbers.Floats(t)[0]) : "0"),
                (HostTensor v, var d) => (v.Element, d is HostTensor t ? HostNumbers.Integers(t)[0].ToString() : "-1"),
                _ => throw new OnnxException("the values are missing"),
            };
        }

        static string Text(double value) => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }
}
