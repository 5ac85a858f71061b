using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests.Explaining;

/// <summary>The page that <c>singa explain --html</c> leaves.</summary>
public sealed partial class PlanPageTests : IDisposable
{
    private const string Chromium = "/usr/bin/chromium";

    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Fact]
    public async Task The_page_holds_everything_it_shows()
    {
        File.Copy(job.File, job["a <b> & c.conf"]);
        var run = await Singa.RunAsync("explain", job["a <b> & c.conf"], "--devices", "cpu=2", "--html", job["plan.html"]);
        Assert.Equal(0, run.Code);
        Assert.Equal($"page {job["plan.html"]}", run.Output[^1]);
        string page = File.ReadAllText(job["plan.html"]);
        Assert.DoesNotMatch(@"(src|href)\s*=\s*[""']?(?!#)\w|@import|url\((?!#)|fetch\(|https?://(?!www\.w3\.org/2000/svg)", page);
        Assert.Contains("<title>a &lt;b&gt; &amp; c · plan</title>", page);

        using var data = JsonDocument.Parse(Data().Match(page).Groups[1].Value);
        Assert.Equal("a <b> & c", data.RootElement.GetProperty("job").GetString());
        var plan = Assert.Single(data.RootElement.GetProperty("plans").EnumerateArray());
        Assert.Equal("cpu:0 (cpu:1 alike)", plan.GetProperty("devices").GetString());
        Assert.Equal(
            ["a step: 16 samples here", "the short step: 2 samples here", "a test: 32 samples", "first values"],
            plan.GetProperty("views").EnumerateArray().Select(v => v.GetProperty("title").GetString()));
        Assert.All(plan.GetProperty("views").EnumerateArray(), v => Assert.True(v.GetProperty("operations").GetArrayLength() > 0));
    }

    [Fact]
    public async Task Recurrent_steps_are_folded_into_one()
    {
        File.WriteAllText(job["text.txt"], string.Concat(Enumerable.Repeat("what is repeated is said once. ", 200)));
        File.WriteAllText(job["text.conf"], "job { model = char-lstm, data { kind = text, path = text.txt, length = 50 }, batch-size = 8 }");
        var run = await Singa.RunAsync("explain", job["text.conf"], "--html", job["plan.html"]);
        Assert.Equal(0, run.Code);
        using var data = JsonDocument.Parse(Data().Match(File.ReadAllText(job["plan.html"])).Groups[1].Value);
        var view = data.RootElement.GetProperty("plans")[0].GetProperty("views")[0];
        var lstm = view.GetProperty("layers").EnumerateArray().Single(l => l.GetProperty("layer").GetString() == "lstm");
        foreach (string direction in (string[])["forward", "backward"])
        {
            var stretches = lstm.GetProperty(direction).EnumerateArray().ToArray();
            Assert.Contains(stretches, s => s.GetProperty("count").GetInt32() >= 45);
            Assert.InRange(stretches.Sum(s => s.GetProperty("operations").GetArrayLength()), 1, 40);
        }
    }

    [SkippableFact]
    public async Task A_browser_draws_it()
    {
        Skip.IfNot(File.Exists(Chromium), "there is no Chromium here");
        await Singa.RunAsync("explain", job.File, "--html", job["plan.html"]);
        string[] arguments =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", $"--user-data-dir={job["browser"]}", "--dump-dom", new Uri(job["plan.html"]).AbsoluteUri,
        ];
        using var browser = Process.Start(new ProcessStartInfo(Chromium, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var run = await Singa.FinishAsync(browser);
        string page = string.Join('\n', run.Output);
        Assert.True(Regex.Matches(page, "class=\"box\"").Count > 30, "no kernels were drawn");
        Assert.True(Regex.Matches(page, "class=\"block\"").Count > 20, "no blocks were drawn");
        Assert.Contains("<td>fc1</td>", page);
    }

    [Fact]
    public async Task A_page_that_cannot_be_written_is_refused_first()
    {
        var run = await Singa.RunAsync("explain", job.File, "--html", "/nowhere/at/all.html");
        Assert.Equal(1, run.Code);
        Assert.Contains("/nowhere/at/all.html", Assert.Single(run.Errors));
        Assert.Equal([], run.Output);
    }

    [GeneratedRegex("<script type=\"application/json\" id=\"data\">(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Data();
}
