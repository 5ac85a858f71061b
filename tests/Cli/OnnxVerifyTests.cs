namespace Singa.Actors.Cli.Tests;

public sealed class OnnxVerifyTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [SkippableFact]
    public async Task No_test_of_the_whole_suite_fails()
    {
        string? suite = Suite();
        Skip.If(suite is null, "the ONNX tests are not here: shared/data/onnx");
        var run = await Singa.RunAsync("onnx", "verify", "--suite", suite, "--report", job["report.tsv"]);
        string[][] rows = [.. File.ReadAllLines(job["report.tsv"]).Select(line => line.Split('\t'))];
        Assert.Equal(["kind", "test", "result", "worst", "reason"], rows[0]);
        Assert.All(rows[1..], row => Assert.Contains(row[2], (string[])["passed", "unsupported"]));
        Assert.Equal(0, run.Code);
        Assert.Equal(1157, rows.Length - 1);
        Assert.True(rows.Count(row => row[2] == "passed") >= Passing, $"{rows.Count(row => row[2] == "passed")} tests pass");
        Assert.StartsWith("all", run.Output[^1]);
    }

    // As many as pass; more are welcome.
    private const int Passing = 1150;

    [Fact]
    public async Task A_model_that_is_none_fails_its_test_alone()
    {
        Directory.CreateDirectory(job["suite/kind/test"]);
        File.WriteAllText(job["suite/kind/test/model.onnx"], "no model");
        var run = await Singa.RunAsync("onnx", "verify", "--suite", job["suite"], "--report", job["report.tsv"]);
        Assert.Equal(3, run.Code);
        Assert.StartsWith("kind\ttest\tfailed\t\t", File.ReadAllLines(job["report.tsv"])[1]);
    }

    [Theory]
    [InlineData("onnx", 2, "singa onnx takes one of verify")]
    [InlineData("onnx verfy", 2, "did you mean onnx verify?")]
    [InlineData("onnx verify --suite x", 2, "--report FILE is missing")]
    [InlineData("onnx verify --suite /nowhere/at/all --report REPORT", 1, "there is no folder /nowhere/at/all")]
    [InlineData("onnx verify --suite . --report /nowhere/at/all", 1, "/nowhere/at/all cannot be written")]
    public async Task Wrong_words_are_refused(string line, int code, string sentence)
    {
        var run = await Singa.RunAsync(line.Replace("REPORT", job["report.tsv"]).Split(' '));
        Assert.Equal(code, run.Code);
        Assert.Contains(sentence, run.Errors[0]);
    }

    private static string? Suite()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "shared", "data", "onnx");
            if (Directory.Exists(path))
                return path;
        }

        return null;
    }
}
