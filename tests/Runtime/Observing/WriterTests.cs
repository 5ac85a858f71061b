using System.Text;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Runtime.Tests.Observing;

/// <summary>Scripts read these lines: they are a contract.</summary>
public sealed class WriterTests
{
    private static readonly TrainingProgress Progress = new(1, 12, 100, 64, 0.25, 0.5, TimeSpan.FromMilliseconds(8));

    [Fact]
    public void Metrics_are_one_object_a_step() =>
        Assert.Equal(
            """
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8,"digest":"sha256:ab"}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8,"test_loss":0.5,"test_accuracy":0.75}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8,"test_loss":null}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8,"test_loss":0.5,"test_accuracy":0.75,"test_top_accuracy":1}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8,"shards_computed":10,"shards_reused":6}
            {"step":12,"epoch":1,"loss":0.25,"perplexity":2,"samples_per_s":8000,"step_ms":8,"test_loss":0.5,"test_perplexity":3}
            {"step":12,"epoch":1,"loss":0.25,"samples_per_s":8000,"step_ms":8}

            """.ReplaceLineEndings("\n"),
            Written(stream =>
            {
                using var writer = new MetricsWriter(stream);
                writer.Write(Progress with { Shards = new ShardCount(8, 8, 0) });
                writer.Write(Progress with { Digest = "sha256:ab" });
                writer.Write(Progress with { Test = new TestFigures(0.5, 0.75) });
                writer.Write(Progress with { Test = new TestFigures(double.NaN, null) });
                writer.Write(Progress with { Test = new TestFigures(0.5, 0.75) { Top = new TopAccuracy(5, 1) } });
                writer.Write(Progress with { Shards = new ShardCount(8, 10, 6) });
                writer.Write(Progress with { Perplexity = 2, Test = new TestFigures(0.5, null) { Perplexity = 3 } });
                writer.Write(Progress with { Perplexity = double.PositiveInfinity });
            }));

    [Fact]
    public void The_ledger_is_one_object_a_shard() =>
        Assert.Equal(
            """
            {"epoch":1,"step":12,"shard":0,"samples":[17,4],"worker":"cpu:0","generation":2}
            {"epoch":1,"step":12,"shard":1,"samples":[9],"worker":"cpu:1","generation":2}

            """.ReplaceLineEndings("\n"),
            Written(stream =>
            {
                using var writer = new LedgerWriter(stream);
                writer.Write(Progress with
                {
                    Committed = [new CommittedShard(1, 12, 0, [17, 4], "cpu:0", 2), new CommittedShard(1, 12, 1, [9], "cpu:1", 2)],
                });
            }));

    private static string Written(Action<Stream> write)
    {
        var stream = new MemoryStream();
        write(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
