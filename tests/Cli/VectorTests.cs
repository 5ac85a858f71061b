namespace Singa.Actors.Cli.Tests;

/// <summary>The width of vectors leaves no trace: our own switch, and the runtime told that the processor has less.</summary>
public sealed class VectorTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Theory]
    [InlineData("SINGA_VECTOR_BITS", "256")]
    [InlineData("SINGA_VECTOR_BITS", "128")]
    [InlineData("DOTNET_EnableAVX512", "0")]
    [InlineData("DOTNET_EnableAVX512F", "0")]
    [InlineData("DOTNET_EnableAVX2", "0")]
    public async Task Width_leaves_no_trace(string variable, string value)
    {
        string[] command = ["train", job.File, "--set", "job.model=lenet", "--set", "job.max-steps=3"];
        var expected = await Singa.RunAsync(command);
        var narrow = await Singa.RunAsync((variable, value), command);
        Assert.Equal(0, narrow.Code);
        Assert.Equal(expected.Output[^1], narrow.Output[^1]);
        Assert.Equal(expected.Output[^4], narrow.Output[^4]);
    }

    [Fact]
    public async Task A_width_that_does_not_exist_is_refused()
    {
        var run = await Singa.RunAsync(("SINGA_VECTOR_BITS", "96"), "train", job.File);
        Assert.NotEqual(0, run.Code);
        Assert.Contains(run.Errors, line => line.Contains("96") && line.Contains("512"));
        Assert.DoesNotContain(run.Errors, line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
    }
}
