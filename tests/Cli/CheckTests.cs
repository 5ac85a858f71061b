namespace Singa.Actors.Cli.Tests;

public sealed class CheckTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("singa-check").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_line_a_file_in_order_whatever_is_in_them()
    {
        string table = Write("t.csv", "a,b\n1,2\n"u8), wrong = Write("w.csv", "a,b\n1\n"u8), empty = Write("e.idx", []), missing = Path.Combine(folder, "none.onnx");
        var run = await Singa.RunAsync("check", table, wrong, missing, folder, empty, table);
        Assert.Equal(1, run.Code);
        Assert.Equal([
            $"{table} ok",
            $"{wrong} refused: line 2: it has 1 fields where the first line of the training file has 2",
            $"{missing} refused: there is no such file",
            $"{folder} refused: it is a folder",
            $"{empty} refused: it is empty",
            $"{table} ok",
        ], run.Output);
        Assert.Empty(run.Errors);
    }

    [Fact]
    public async Task Nothing_to_refuse_is_success()
    {
        var run = await Singa.RunAsync("check", Write("t.csv", "a,b\n1,2\n"u8), Write("j.conf", "job { model = mlp, data { kind = digits } }"u8));
        Assert.Equal(0, run.Code);
        Assert.All(run.Output, line => Assert.EndsWith(" ok", line));
    }

    [Fact]
    public async Task A_file_that_brings_its_judge_down_stops_no_other()
    {
        string table = Write("t.csv", "a,b\n1,2\n"u8);
        // A header of nothing but openings, as long as the format allows: whatever it costs, the next file is judged.
        string hostile = Write("h.safetensors", [.. BitConverter.GetBytes(90_000_000L), .. Enumerable.Repeat((byte)'{', 90_000_000)]);
        var run = await Singa.RunAsync("check", hostile, table);
        Assert.Equal(1, run.Code);
        Assert.StartsWith($"{hostile} refused: ", run.Output[0]);
        Assert.Equal($"{table} ok", run.Output[1]);
    }

    [Fact]
    public async Task No_file_and_unknown_options_are_a_matter_of_usage()
    {
        Assert.Equal(2, (await Singa.RunAsync("check")).Code);
        Assert.Equal(2, (await Singa.RunAsync("check", "--all", "x")).Code);
    }

    private string Write(string name, ReadOnlySpan<byte> content)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
