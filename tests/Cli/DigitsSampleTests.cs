using System.Globalization;

namespace Singa.Actors.Cli.Tests;

/// <summary>The sample ends as the command does.</summary>
public sealed class DigitsSampleTests
{
    private const string Program = "Digits.dll";

    [Fact]
    public async Task It_learns_to_read_digits_and_ends_with_the_closing_lines()
    {
        var run = await Singa.RunOtherAsync(Program, "--epochs", "1");
        Assert.Equal([], run.Errors);
        Assert.Equal(0, run.Code);
        Assert.StartsWith("test accuracy ", run.Output[^4]);
        Assert.InRange(double.Parse(run.Output[^4].Split(' ')[^1], CultureInfo.InvariantCulture), 95, 100);
        Assert.StartsWith("peak memory ", run.Output[^3]);
        Assert.StartsWith("first step ", run.Output[^2]);
        Assert.Matches("^digest sha256:[0-9a-f]{64}$", run.Output[^1]);
    }

    [Theory]
    [InlineData(2, "there is no option '--date'", "--date x")]
    [InlineData(2, "--epochs takes a whole number of at least 1, not '0'", "--epochs 0")]
    [InlineData(1, "there is no file", "--data /nowhere")]
    [InlineData(1, "there is no device of kind 'gpu' here", "--devices gpu:0")]
    public async Task Whatever_is_wrong_gets_one_line_and_an_exit_code(int code, string sentence, string arguments)
    {
        var run = await Singa.RunOtherAsync(Program, arguments.Split(' '));
        Assert.Equal(code, run.Code);
        Assert.Contains(sentence, Assert.Single(run.Errors));
    }
}
