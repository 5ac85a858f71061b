using System.Buffers.Binary;
using System.Text.Json;
using System.Xml.Linq;
using Singa.Actors.Cli.Plotting;

namespace Singa.Actors.Cli.Tests.Plotting;

/// <summary><c>singa plot</c> as it is called, and what it makes of files that others wrote.</summary>
public sealed class PlotTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Fact]
    public async Task Metrics_of_a_training_become_svg_and_png()
    {
        await Singa.RunAsync("train", job.File, "--metrics", job["a.jsonl"]);
        File.WriteAllLines(job["b.jsonl"], Steps(300, s => new { step = s, loss = 3.0 / (s + 1), test_loss = s % 50 == 0 ? 1.0 / (s + 1) : (double?)null, test = new { accuracy = 0.9 } }));
        var run = await Singa.RunAsync("plot", job["a.jsonl"], job["b.jsonl"], "-o", job["c.svg"], "--output", job["c.png"]);
        Assert.Equal(0, run.Code);
        Assert.Equal([$"{job["c.svg"]}: 2 runs, up to step 299", $"{job["c.png"]}: 2 runs, up to step 299"], run.Output);

        var svg = XDocument.Load(job["c.svg"]);
        Assert.Equal("svg", svg.Root!.Name.LocalName);
        string text = string.Concat(svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value + "\n"));
        if (Lettering.Exists)
            Assert.All(["a.jsonl, training", "b.jsonl, held back", "accuracy, %", "step"], label => Assert.Contains(label, text));

        var png = File.ReadAllBytes(job["c.png"]);
        Assert.Equal("\u0089PNG", System.Text.Encoding.Latin1.GetString(png, 0, 4));
        Assert.Equal(2000u, BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(16)));
        Assert.True(png.Length > 10_000, "the picture is empty");
    }

    [Fact]
    public async Task Without_a_name_the_picture_stands_beside_the_metrics()
    {
        File.WriteAllLines(job["run.jsonl"], Steps(3, s => new { step = s, loss = 1.0 }));
        var run = await Singa.RunAsync("plot", job["run.jsonl"]);
        Assert.Equal(0, run.Code);
        Assert.Equal("svg", XDocument.Load(job["run.svg"]).Root!.Name.LocalName);
    }

    [Fact]
    public void Unknown_keys_gaps_and_a_torn_last_line_are_taken_as_they_come()
    {
        File.WriteAllText(job["m"], """
            {"step": 0, "loss": 2, "digest": "sha256:0", "lr": 0.1, "best_loss": 7, "val-accuracy": 0.5}

            {"step": 1, "loss": null, "validation": {"loss": 1.5, "note": "odd"}}
            {"step": 2, "train_loss": 1, "perplexity": 2.7}
            {"step": 1, "loss": 1.25}
            {"step": 3, "lo
            """);
        var curves = MetricsFile.Read(job["m"], "m");
        Assert.Equal(
            [(Figure.Loss, false), (Figure.Loss, true), (Figure.Accuracy, true), (Figure.Perplexity, false)], curves.Select(c => (c.Figure, c.HeldBack)));
        Assert.Equal([0, 1, 2], curves[0].Steps);
        Assert.Equal([2, 1.25, 1], curves[0].Values);
        Assert.Equal([1.5], curves[1].Values);
    }

    [Theory]
    [InlineData("nothing here", "line 1 is no JSON object")]
    [InlineData("{\"step\": 0, \"loss\": 1}\n[1]\n{}", "line 2 is no JSON object")]
    [InlineData("{\"step\": 0, \"loss\": 1}\n{\"ste\n{\"step\": 2}", "line 2 is no JSON object")]
    [InlineData("", "holds no loss, accuracy or perplexity")]
    [InlineData("{\"step\": 0, \"speed\": 1}", "holds no loss, accuracy or perplexity")]
    public async Task What_holds_no_metrics_is_refused(string text, string sentence)
    {
        File.WriteAllText(job["m"], text);
        var run = await Singa.RunAsync("plot", job["m"], "-o", job["m.svg"]);
        Assert.Equal(1, run.Code);
        Assert.Contains(sentence, Assert.Single(run.Errors));
        Assert.False(File.Exists(job["m.svg"]));
    }

    [Theory]
    [InlineData(1, "there is no metrics file", "plot none")]
    [InlineData(2, "METRICS is missing", "plot")]
    [InlineData(2, "a file that ends in .svg or .png, not 'x.pdf'", "plot none -o x.pdf")]
    [InlineData(2, "x.svg holds metrics", "plot x.svg")]
    public async Task A_wrong_command_line_is_told_so(int code, string sentence, string line)
    {
        var run = await Singa.RunAsync(line.Split(' '));
        Assert.Equal(code, run.Code);
        Assert.Contains(sentence, run.Errors[0]);
    }

    private static IEnumerable<string> Steps<T>(int count, Func<int, T> of) => Enumerable.Range(0, count).Select(s => JsonSerializer.Serialize(of(s)));
}
