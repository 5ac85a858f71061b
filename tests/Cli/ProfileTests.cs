using System.Text.Json;

namespace Singa.Actors.Cli.Tests;

/// <summary>What <c>--profile</c> leaves of a real run.</summary>
public sealed class ProfileTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Fact]
    public async Task Two_devices_have_a_track_each_on_which_everything_stands_and_adds_up_to_the_time_that_passed()
    {
        var run = await Singa.RunAsync(
            "train", job.File, "--devices", "cpu=2", "--profile", job["trace.json"], "--set", "job.model=lenet", "--set", "job.epochs=4");
        Assert.Equal(0, run.Code);
        Assert.Equal([], run.Errors);
        Assert.Equal(["test", "peak", "first", "digest"], run.Output[^4..].Select(line => line.Split(' ')[0]));
        Assert.All(
            (string[])["profile: ", "  phase ", "  forward ", "  backward ", "  update ", "  exchange ", "  operation "],
            beginning => Assert.Contains(run.Output, line => line.StartsWith(beginning, StringComparison.Ordinal)));

        using var trace = JsonDocument.Parse(File.ReadAllBytes(job["trace.json"]));
        var events = trace.RootElement.GetProperty("traceEvents").EnumerateArray().ToArray();
        var devices = events.Where(e => Text(e, "name") == "thread_name").ToDictionary(Track, e => e.GetProperty("args").GetProperty("name").GetString());
        Assert.Equal(["cpu:0", "cpu:1"], devices.Values.Order());
        foreach (int track in devices.Keys)
        {
            var spans = events.Where(e => Text(e, "ph") == "X" && Track(e) == track).OrderBy(Start).ToArray();
            Assert.Superset(new HashSet<string> { "kernel", "exchange", "wait", "copy" }, spans.Select(e => Text(e, "cat")).ToHashSet());
            Assert.All(spans.Zip(spans.Skip(1)), pair => Assert.True(End(pair.First) <= Start(pair.Second) + 1e-6));
            double passed = End(spans[^1]) - Start(spans[0]);
            Assert.InRange(spans.Sum(Duration), 0.95 * passed, passed + 1e-3);
        }
    }

    [Fact]
    public async Task A_profile_changes_no_bit_and_a_place_where_none_can_be_written_is_refused_first()
    {
        var plain = await Singa.RunAsync("train", job.File);
        var profiled = await Singa.RunAsync("train", job.File, "--profile", job["trace.json"]);
        Assert.Equal(plain.Output[^1], profiled.Output[^1]);
        var refused = await Singa.RunAsync("train", job.File, "--profile", "/nowhere/at/all");
        Assert.Equal(1, refused.Code);
        Assert.Contains("/nowhere/at/all", Assert.Single(refused.Errors));
    }

    private static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString()! : "";

    private static int Track(JsonElement e) => e.GetProperty("tid").GetInt32();

    private static double Start(JsonElement e) => e.GetProperty("ts").GetDouble();

    private static double Duration(JsonElement e) => e.GetProperty("dur").GetDouble();

    private static double End(JsonElement e) => Start(e) + Duration(e);
}
