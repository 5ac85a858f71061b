namespace Singa.Actors.Runtime.Tests;

/// <summary>Lines of a test that the README shows: what stands there is what runs.</summary>
internal static class ReadmeExample
{
    private const string Begin = "        // README: begin\n", End = "        // README: end\n";

    /// <param name="file">Where in the repository the test is.</param>
    public static void Check(params string[] file)
    {
        string source = File.ReadAllText(Repository.Path(file)).ReplaceLineEndings("\n");
        string lines = source[(source.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)..];
        lines = lines[..lines.IndexOf(End, StringComparison.Ordinal)].Replace("\n        ", "\n")[8..];
        Assert.Contains($"```csharp\n{lines}```", File.ReadAllText(Repository.Path("README.md")).ReplaceLineEndings("\n"));
    }
}
