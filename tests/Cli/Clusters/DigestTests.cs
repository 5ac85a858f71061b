namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>The same digest from however many processes, with whatever devices and threads. With <c>SINGA_LONG=1</c> more steps of larger models.</summary>
public sealed class DigestTests : IAsyncLifetime
{
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";

    /// <summary>Devices of each further node; with four of them eight workers on shards that do not divide evenly.</summary>
    private static readonly string[][] Nodes =
    [
        ["--devices", "cpu:0", "--threads", "1"], ["--devices", "cpu=2", "--threads", "1"], ["--devices", "cpu:0", "--threads", "3"], ["--devices", "cpu=2", "--threads", "2"],
    ];

    private readonly LocalCluster cluster = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [SkippableTheory]
    [InlineData(4)]
    [InlineData(8)]
    public Task Lenet_on_mnist(int shards)
    {
        string mnist = SharedData.Folder("mnist");
        return SameAsync(mnist, shards, $$"""
            job {
              model = lenet
              data {
                kind = idx, train-images = "{{mnist}}/train-images-idx3-ubyte.gz", train-labels = "{{mnist}}/train-labels-idx1-ubyte.gz"
                test-images = "{{mnist}}/t10k-images-idx3-ubyte.gz", test-labels = "{{mnist}}/t10k-labels-idx1-ubyte.gz"
              }
              optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9 }
              batch-size = 100, seed = 5, max-steps = {{(IsLong ? 600 : 5)}}
            }
            """);
    }

    /// <summary>Batch norm's statistics are per shard; 30 samples in batches of 12 end on a short one.</summary>
    [SkippableTheory]
    [InlineData(4)]
    public Task Resnet18_with_batch_norm(int shards) => SameAsync(null, shards, $$"""
        job {
          model = resnet18
          data { kind = digits, train = {{(IsLong ? 120 : 30)}}, test = 8 }
          optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9, nesterov = on, weight-decay = 5e-4 }
          batch-size = {{(IsLong ? 32 : 12)}}, seed = 6, epochs = {{(IsLong ? 3 : 1)}}
        }
        """);

    [SkippableTheory]
    [InlineData(4)]
    [InlineData(8)]
    public Task Gpt_mini_with_dropout_and_adamw(int shards)
    {
        string text = Path.Combine(cluster["."], "text.txt");
        File.WriteAllText(text, string.Join('\n', Enumerable.Range(0, 400).Select(i => $"{i} times {i + 7} make {i * (i + 7)}, and {i % 13} is left of it.")));
        string size = IsLong ? "layers = 4, width = 128, heads = 4" : "layers = 2, width = 32, heads = 2";
        return SameAsync(null, shards, $$"""
            job {
              model { name = gpt-mini, {{size}}, dropout = 0.1 }
              data { kind = text, path = text.txt, length = 32 }
              loss = softmax-cross-entropy
              optimizer { kind = adamw, learning-rate = 1e-3, weight-decay = 0.01, clip-norm = 1, schedule { kind = cosine, warm-up = 3 } }
              batch-size = 20, seed = 7, epochs = 9, max-steps = {{(IsLong ? 200 : 8)}}
            }
            """);
    }

    private async Task SameAsync(string? root, int shards, string text)
    {
        LongForm.Only();
        string job = cluster.Job(text);
        string[] set = ["--set", $"job.shards={shards}"];
        var alone = await Singa.RunAsync(["train", job, .. set, "--devices", "cpu=2", "--threads", "1"]);
        Assert.True(alone.Code == 0, string.Join('\n', alone.Errors));
        for (int count = 1; count <= Nodes.Length; count++)
        {
            await cluster.StartAsync([.. Nodes[count - 1], .. root is null ? Array.Empty<string>() : ["--data-root", root]]);
            int devices = Nodes.Take(count).Sum(n => n[1] == "cpu=2" ? 2 : 1);
            await cluster.UntilAsync(status => LocalCluster.Devices(status) == devices);
            var run = await Singa.FinishAsync(cluster.Submit(job, set));
            Assert.True(run.Code == 0, string.Join('\n', run.Errors));
            Assert.Equal((count, alone.Output[^1]), (count, run.Output[^1]));
            // What the held-back samples say comes from the same weights, and from all of them.
            Assert.Equal(alone.Output.Where(l => l.StartsWith("test ", StringComparison.Ordinal)), run.Output.Where(l => l.StartsWith("test ", StringComparison.Ordinal)));
        }
    }
}
