namespace Singa.Actors.Cli.Tests;

/// <summary>Whatever is wrong gets one clear line on standard error and an exit code, never a stack trace.</summary>
public sealed class RefusalTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Theory]
    [InlineData("--set job.sed=1", "job.sed in --set job.sed is unknown; did you mean job.seed?")]
    [InlineData("--set job.model=lenett", "did you mean lenet?")]
    [InlineData("--set job.batch-size=0", "job.batch-size")]
    [InlineData("--set job.data.kind=idx", "job.data.test in ")]
    [InlineData("--set job.top-k=10", "top-k is 10, but among all of 10 classes every answer is right")]
    [InlineData("--devices gpu:0", "there is no device of kind 'gpu' here")]
    [InlineData("--devices cpu", "'cpu' is no device")]
    [InlineData("--checkpoint /dev/null/x", "checkpoints cannot be written to /dev/null/x")]
    [InlineData("--set job.early-stopping=maybe", "job.early-stopping in --set job.early-stopping must be on or off")]
    [InlineData("--set job.early-stopping.patience=0", "patience")]
    [InlineData("--set job.checkpoint.every=5", "job.checkpoint.path is missing")]
    [InlineData("--set job.evaluate-every=-1", "job.evaluate-every")]
    [InlineData("--metrics /nowhere/at/all", "/nowhere/at/all cannot be written")]
    [InlineData("--save /nowhere/at/all", "/nowhere/at/all")]
    [InlineData("--set singa.devices.queue-depth=0", "queue-depth is 0; it must be at least 1")]
    public async Task Refused_input_ends_with_1(string options, string sentence) => await Expect(1, sentence, ["train", job.File, .. options.Split(' ')]);

    [Fact]
    public async Task Missing_data_ends_with_1()
    {
        File.WriteAllText(job["idx.conf"], "job { model = lenet, data { kind = idx, train-images = no-images, train-labels = no-labels } }");
        await Expect(1, $"there is no file {job["no-images"]}", "train", job["idx.conf"]);
    }

    [Fact]
    public async Task A_missing_job_file_ends_with_1() => await Expect(1, "there is no job file", "train", job["none.conf"]);

    [Fact]
    public async Task Explain_refuses_like_train() => await Expect(1, "there is no job file", "explain", job["none.conf"]);

    [Theory]
    [InlineData("trian job.conf", "there is no command trian; did you mean train?")]
    [InlineData("train", "JOB.conf is missing")]
    [InlineData("train a.conf b.conf", "one JOB.conf is enough, not 2: a.conf b.conf")]
    [InlineData("train a.conf --thread 2", "there is no option --thread; did you mean --threads?")]
    [InlineData("train a.conf --threads", "--threads needs a value")]
    [InlineData("train a.conf --threads 0", "--threads takes a whole number of at least 1, not '0'")]
    [InlineData("train a.conf --digest-every many", "--digest-every takes a whole number of at least 0")]
    [InlineData("train a.conf --checkpoint x --checkpoint-every 0", "--checkpoint-every takes a whole number of at least 1, not '0'")]
    [InlineData("train a.conf --set job.seed", "--set takes PATH=VALUE")]
    [InlineData("train a.conf --save x --save y", "--save is given more than once")]
    [InlineData("devices all", "singa devices takes no arguments")]
    public async Task A_wrong_command_line_ends_with_2(string line, string sentence) => await Expect(2, sentence, line.Split(' '));

    [Fact]
    public async Task A_loss_that_is_not_finite_ends_with_3() =>
        await Expect(3, "loss", "train", job.File, "--set", "job.optimizer.learning-rate=1e30", "--set", "job.epochs=20");

    private static async Task Expect(int code, string sentence, params string[] arguments)
    {
        var run = await Singa.RunAsync(arguments);
        Assert.Equal(code, run.Code);
        Assert.StartsWith("singa: ", run.Errors[0]);
        Assert.Contains(sentence, run.Errors[0]);
        Assert.Equal(code == 2 ? 2 : 1, run.Errors.Length);
        Assert.DoesNotContain(run.Output, line => line.StartsWith("digest", StringComparison.Ordinal));
    }
}
