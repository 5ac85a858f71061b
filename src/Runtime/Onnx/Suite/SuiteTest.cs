namespace Singa.Actors.Runtime.Onnx.Suite;

/// <summary>
/// One test of a suite: a model and data sets of inputs and expected outputs. <c>Source</c> is the zip or the folder it lies in, <c>Model</c> the
/// model's path in there, with / between.
/// </summary>
public sealed record SuiteTest(string Kind, string Name, string Source, string Model)
{
    /// <summary>The model's own folder in the source, with a / at its end.</summary>
    public string Folder => Model[..(Model.LastIndexOf('/') + 1)];

    /// <summary>Whether its files are named after it and lie beside others' (<c>NAME.onnx</c>, <c>NAME_output_0.pb</c>) instead of in a folder of its own.</summary>
    public bool IsFlat => !Model.EndsWith("model.onnx", StringComparison.Ordinal);
}

/// <summary>Finds the tests of a suite: in every zip and every folder, however deep.</summary>
public static class SuiteDiscovery
{
    /// <summary>In order of kind and name. The kind is the zip's name or, outside of zips, that of the folder that a test's folder (or its flat files) lies in.</summary>
    /// <exception cref="IOException"/>
    public static IReadOnlyList<SuiteTest> Find(string directory)
    {
        var tests = new List<SuiteTest>();
        foreach (string zip in Directory.EnumerateFiles(directory, "*.zip", SearchOption.AllDirectories))
        {
            using var files = new SuiteFiles(zip);
            tests.AddRange(files.Names.Where(IsModel).Select(m => new SuiteTest(Path.GetFileNameWithoutExtension(zip), NameOf(m), zip, m)));
        }

        foreach (string model in Directory.EnumerateFiles(directory, "*.onnx", SearchOption.AllDirectories))
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(model))!, file = Path.GetFileName(model);
            var test = new SuiteTest("", NameOf($"{Path.GetFileName(folder)}/{file}"), folder, file);
            string above = test.IsFlat ? folder : Path.GetDirectoryName(folder) ?? folder;
            tests.Add(test with { Kind = Path.GetFileName(above) });
        }

        return [.. tests.OrderBy(t => t.Kind, StringComparer.Ordinal).ThenBy(t => t.Name, StringComparer.Ordinal)];
    }

    private static bool IsModel(string path) => path.EndsWith(".onnx", StringComparison.Ordinal);

    private static string NameOf(string model)
    {
        string[] parts = model.Split('/');
        return parts[^1] == "model.onnx" && parts.Length > 1 ? parts[^2] : Path.GetFileNameWithoutExtension(parts[^1]);
    }
}
