using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Runtime.Onnx.Suite;

/// <summary>Runs tests one after the other on a backend. Whatever goes wrong in one is its outcome.</summary>
public sealed class SuiteRunner(IBackend backend, string? dump = null)
{
    private const string ModelsKind = "models";

    public SuiteOutcome Run(SuiteTest test)
    {
        try
        {
            using var files = new SuiteFiles(test.Source);
            return Run(test, files);
        }
        catch (OnnxUnsupportedException e)
        {
            return new SuiteOutcome(SuiteVerdict.Unsupported, null, e.Message);
        }
        catch (Exception e)
        {
            return new SuiteOutcome(SuiteVerdict.Failed, null, e is OnnxException or OnnxTooLargeException or IOException or InvalidDataException ? e.Message : $"{e.GetType().Name}: {e.Message}");
        }
    }

    private SuiteOutcome Run(SuiteTest test, SuiteFiles files)
    {
        var model = OnnxFile.ReadModel(files.Read(test.Model));
        if (model.Graph is null)
            throw new OnnxException("the model has no graph");
        var sets = DataSets(test, files);
        if (sets.Count == 0)
            return new SuiteOutcome(SuiteVerdict.Loaded, null, "");
        var session = new OnnxSession(model, backend, files.External);
        var tolerance = ToleranceOf(test, files);
        double worst = 0;
        string? reason = null;
        foreach (var (number, inputs, outputs) in sets)
        {
            var result = session.Run(inputs(model));
            Dump(test, number, result.Outputs);
            foreach (var (index, expected) in outputs(model))
            {
                var (distance, wrong) = SuiteComparison.Compare(result.Outputs[index], expected, tolerance, result.Random[index]);
                worst = Math.Max(worst, distance);
                reason ??= wrong is null ? null : $"{(sets.Count > 1 ? $"data set {number}, " : "")}output {index} ({model.Graph.Output[index].Name}): {wrong}";
            }
        }

        return new SuiteOutcome(reason is null ? SuiteVerdict.Passed : SuiteVerdict.Failed, worst, reason ?? "");
    }

    private sealed record DataSet(int Number, Func<ModelProto, Dictionary<string, OnnxValue>> Inputs, Func<ModelProto, IEnumerable<(int Index, OnnxValue Expected)>> Outputs);

    private static List<DataSet> DataSets(SuiteTest test, SuiteFiles files)
    {
        if (test.IsFlat)
        {
            string stem = test.Model[..^".onnx".Length] + "_output_";
            return Numbered(files, stem).Count == 0 ? [] : [new DataSet(0, Counting, model => Values(files, stem, model.Graph.Output))];
        }

        const string Set = "test_data_set_";
        string start = test.Folder + Set;
        var numbers = files.Names.Where(n => n.StartsWith(start, StringComparison.Ordinal)).Select(n => n[start.Length..].Split('/')[0])
            .Where(n => int.TryParse(n, out _)).Distinct().Select(int.Parse).Order();
        return [.. numbers.Where(n => Numbered(files, $"{start}{n}/output_").Count > 0).Select(n => new DataSet(n,
            model => Values(files, $"{start}{n}/input_", OnnxImporter.Inputs(model)).ToDictionary(v => OnnxImporter.Inputs(model)[v.Index].Name, v => v.Value),
            model => Values(files, $"{start}{n}/output_", model.Graph.Output)))];
    }

    /// <summary>Files STEM0.pb, STEM1.pb, … by their numbers.</summary>
    private static SortedDictionary<int, string> Numbered(SuiteFiles files, string stem)
    {
        var numbered = new SortedDictionary<int, string>();
        foreach (string name in files.Names.Where(n => n.StartsWith(stem, StringComparison.Ordinal) && n.EndsWith(".pb", StringComparison.Ordinal)))
        {
            if (int.TryParse(name[stem.Length..^".pb".Length], out int number))
                numbered[number] = name;
        }

        return numbered;
    }

    private static IEnumerable<(int Index, OnnxValue Value)> Values(SuiteFiles files, string stem, IReadOnlyList<ValueInfoProto> types)
    {
        foreach (var (number, name) in Numbered(files, stem))
        {
            if (number >= types.Count)
                throw new OnnxException($"{name} is for input or output {number} of {types.Count}");
            yield return (number, TestValues.Read(files.Read(name), types[number].Type));
        }
    }

    /// <summary>Flat tests come without inputs: each is i / n for its elements i = 0, 1, …, n − 1.</summary>
    private static Dictionary<string, OnnxValue> Counting(ModelProto model) => OnnxImporter.Inputs(model).ToDictionary(i => i.Name, i =>
    {
        var shape = Shape.Of([.. i.Type?.TensorType?.Shape?.Dim.Select(d => Math.Max(1, d.DimValue)) ?? []]);
        var values = new float[shape.Count];
        for (int n = 0; n < values.Length; n++)
            values[n] = (float)((double)n / values.Length);
        return (OnnxValue)new HostTensor(ElementType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    });

    private static Tolerance ToleranceOf(SuiteTest test, SuiteFiles files)
    {
        var usual = test.Kind == ModelsKind ? Tolerance.Models : Tolerance.Suite;
        string described = test.Model[..^".onnx".Length] + ".json";
        if (!test.IsFlat || !files.Names.Contains(described))
            return usual;
        using var json = JsonDocument.Parse(files.Read(described));
        double Number(string key, double otherwise) => json.RootElement.TryGetProperty(key, out var value) && value.TryGetDouble(out double number) ? number : otherwise;
        return new Tolerance(Number("rtol", usual.Relative), Number("atol", usual.Absolute));
    }

    private void Dump(SuiteTest test, int set, ImmutableArray<OnnxValue> outputs)
    {
        if (dump is null)
            return;
        string folder = Path.Combine(dump, test.Kind, test.Name, $"test_data_set_{set}");
        Directory.CreateDirectory(folder);
        for (int i = 0; i < outputs.Length; i++)
            File.WriteAllBytes(Path.Combine(folder, $"output_{i}.pb"), TestValues.Write(outputs[i]).ToByteArray());
    }
}
