using System.Globalization;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests;

public sealed class ExplainTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Fact]
    public async Task Explain_shows_kernels_memory_and_shards_and_the_arena_is_within_a_twentieth_of_what_lives()
    {
        var run = await Singa.RunAsync("explain", job.File, "--devices", "cpu=3", "--set", "job.model=lenet");
        Assert.Equal(0, run.Code);
        Assert.Equal([], run.Errors);
        Assert.Contains(run.Output, line => Regex.IsMatch(line, @"^cpu:0 +\d+ +0-1 "));
        Assert.Contains(run.Output, line => Regex.IsMatch(line, @"convolve forward \+ map"));
        Assert.Contains(run.Output, line => line.Contains("exchange 0"));
        var arenas = run.Output.Select(line => Regex.Match(line, "arena ([0-9,]+) bytes, largest sum of live bytes ([0-9,]+)")).Where(m => m.Success).ToArray();
        Assert.NotEmpty(arenas);
        Assert.All(arenas, arena => Assert.InRange(Number(arena.Groups[1]), Number(arena.Groups[2]), Number(arena.Groups[2]) * 1.05));
    }

    [Fact]
    public async Task Devices_beyond_the_shards_stand_by()
    {
        var run = await Singa.RunAsync("explain", job.File, "--devices", "cpu=2", "--set", "job.shards=1");
        Assert.Contains(run.Output, line => Regex.IsMatch(line, "^cpu:1 .*stands by"));
    }

    [Fact]
    public async Task Devices_are_listed_by_the_names_that_the_option_takes()
    {
        var run = await Singa.RunAsync("devices");
        Assert.Equal(0, run.Code);
        Assert.Contains(run.Output, line => line.StartsWith("cpu:0 ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--help", "singa train JOB.conf")]
    [InlineData("train --help", "--digest-every N")]
    [InlineData("explain -h", "--devices LIST")]
    public async Task Help_is_there_for_whoever_asks(string line, string text)
    {
        var run = await Singa.RunAsync(line.Split(' '));
        Assert.Equal(0, run.Code);
        Assert.Contains(run.Output, printed => printed.Contains(text));
    }

    private static double Number(Group group) => double.Parse(group.Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
