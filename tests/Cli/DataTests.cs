using System.Text;

namespace Singa.Actors.Cli.Tests;

/// <summary>Every kind of data that a job can name, through the command: explained, trained on, and refused in a sentence where it is damaged.</summary>
public sealed class DataTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("singa-data-").FullName;

    public DataTests()
    {
        Write("text", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 300).Select(i => "the cat sat on the mat. "[(i % 3)..]))));
        Write("table.csv", Encoding.UTF8.GetBytes("size,colour,kind\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i % 7}.5,{(i % 2 == 0 ? "red" : "blue")},{(i % 2 == 0 ? "cat" : "dog")}\n"))));
        Write("cifar/data_batch_1.bin", Cifar(40));
        Write("cifar/test_batch.bin", Cifar(10));
        foreach (string part in new[] { "train", "test" })
        {
            for (int i = 0; i < 20; i++)
                Write($"images/{part}/{(i % 2 == 0 ? "dark" : "light")}/{i}.bmp", Bmp((byte)(i % 2 == 0 ? i : 250 - i)));
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("text", "text", "char-lstm", "job.data.length=8", @"^test loss \d+\.\d{4}$", "samples of int32[8]")]
    [InlineData("text", "text", "char-lstm", "job.data.tokens=bytes", @"^test loss \d+\.\d{4}$", "256 classes")]
    [InlineData("csv", "table.csv", "mlp", "job.data.test-fraction=0.2", @"^test accuracy \d+\.\d\d$", "48 samples of float32[3], 12 held back, 2 classes")]
    [InlineData("csv", "table.csv", "mlp", "job.data.label=size", @"^test loss \d+\.\d{4}$", "labels float32[]", "job.loss=mse")]
    [InlineData("cifar", "cifar", "mlp", "job.data.augment={ crop-padding = 4, flip = on }", @"^test accuracy \d+\.\d\d$", "40 samples of float32[3, 32, 32], 10 held back, 10 classes")]
    [InlineData("images", "images", "mlp", "job.data.size=8", @"^test accuracy \d+\.\d\d$", "20 samples of float32[3, 8, 8], 20 held back, 2 classes")]
    public async Task It_is_explained_and_trained_on(string kind, string path, string model, string set, string closing, string explained, string? more = null)
    {
        string job = Path.Combine(folder, "job.conf");
        File.WriteAllText(job, $"job {{ model = {model}, data {{ kind = {kind}, path = elsewhere }}, batch-size = 16, max-steps = 3 }}");
        string[] sets = ["--set", $"job.data.path={path}", "--set", set, .. more is null ? Array.Empty<string>() : ["--set", more]];

        var plan = await Singa.RunAsync(["explain", job, .. sets]);
        Assert.Equal((0, 0), (plan.Code, plan.Errors.Length));
        Assert.Contains(plan.Output, line => line.StartsWith("  data", StringComparison.Ordinal) && line.Contains(explained));

        var run = await Singa.RunAsync(["train", job, .. sets, "--save", Path.Combine(folder, "model")]);
        Assert.Equal((0, 0), (run.Code, run.Errors.Length));
        Assert.Matches(closing, run.Output[^4]);
        Assert.Matches("^digest sha256:[0-9a-f]{64}$", run.Output[^1]);
        Assert.True(File.Exists(Path.Combine(folder, "model")));
    }

    [Theory]
    [InlineData("text", "text", 40, "at least 641, ", "for a tenth is held back")]
    [InlineData("csv", "table.csv", 30, "table.csv, line 3", "where the first line of the training file has 3")]
    [InlineData("cifar", "cifar/data_batch_1.bin", 5000, "data_batch_1.bin", "no whole records of 3,073")]
    [InlineData("images", "images/train/dark/0.bmp", 60, "0.bmp", "is a damaged image: it is cut off")]
    public async Task Half_a_file_is_refused_in_one_line(string kind, string file, int length, string named, string sentence)
    {
        string path = Path.Combine(folder, file), job = Path.Combine(folder, "job.conf");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        File.WriteAllText(job, $"job {{ model = mlp, data {{ kind = {kind}, path = {file.Split('/')[0]} }}, max-steps = 3 }}");
        var run = await Singa.RunAsync("train", job);
        Assert.Equal((1, 1), (run.Code, run.Errors.Length));
        Assert.Contains(named, run.Errors[0]);
        Assert.Contains(sentence, run.Errors[0]);
    }

    private void Write(string name, byte[] content)
    {
        string path = Path.Combine([folder, .. name.Split('/')]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
    }

    private static byte[] Cifar(int count) =>
        [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Range(0, 3073).Select(p => (byte)(p == 0 ? i % 10 : p * (i % 10) / 7)))];

    /// <summary>12×12 of one grey.</summary>
    private static byte[] Bmp(byte grey)
    {
        const int side = 12;
        var file = new byte[54 + 3 * side * side];
        Array.Fill(file, grey, 54, 3 * side * side);
        (file[0], file[1], file[10], file[14], file[18], file[22], file[26], file[28]) = ((byte)'B', (byte)'M', 54, 40, side, side, 1, 24);
        return file;
    }
}
