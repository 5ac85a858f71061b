using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests;

/// <summary>Workers that are killed change nothing, and none of them is left.</summary>
public sealed class MultiNodeSampleTests
{
    private const string Program = "MultiNode.dll";

    [SkippableFact]
    public async Task Killing_workers_does_not_matter()
    {
        Clusters.LongForm.Only();
        var run = await Singa.RunOtherAsync(Program, "--chaos", "--every", "1", "--digits", "6000", "--epochs", "4");
        string said = string.Join('\n', run.Output.Concat(run.Errors));
        Assert.True(run.Code == 0, said);
        Assert.Equal([], run.Errors);
        Assert.Contains("killed worker 1 (", said);
        Assert.Matches(@"generation \d+ began: ", said);
        Assert.StartsWith("test accuracy ", run.Output[^4]);
        Assert.Matches("^cluster  digest sha256:[0-9a-f]{64}$", run.Output[^3]);
        Assert.Equal(run.Output[^3].Replace("cluster ", "embedded"), run.Output[^2]);
        Assert.Equal("the same bits: it did not matter", run.Output[^1]);
        Assert.All(Regex.Matches(said, @"process (\d+)\)").Select(m => int.Parse(m.Groups[1].Value)), id => Assert.False(IsNode(id), $"process {id} is left"));
    }

    [Theory]
    [InlineData("there is no option '--chaso'", "--chaso")]
    [InlineData("--every takes a whole number from 1 to 3600, not '0'", "--every 0")]
    [InlineData("--epochs needs a value", "--epochs")]
    public async Task Whatever_is_wrong_gets_one_line(string sentence, string arguments)
    {
        var run = await Singa.RunOtherAsync(Program, arguments.Split(' '));
        Assert.Equal(2, run.Code);
        Assert.Contains(sentence, Assert.Single(run.Errors));
    }

    private static bool IsNode(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.ProcessName == "singa";
        }
        catch (Exception ended) when (ended is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}
