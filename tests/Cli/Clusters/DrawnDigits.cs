namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>The small job that tests of whole clusters train: steps of some milliseconds, in shards for everybody.</summary>
internal static class DrawnDigits
{
    public const int Steps = 400, Shards = 8, Samples = 640;

    public static string Job(long steps = Steps) => $$"""
        job {
          model = lenet
          data { kind = digits, train = {{Samples}}, test = 64 }
          optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9 }
          batch-size = 64, shards = {{Shards}}, epochs = 1000000, max-steps = {{steps}}, seed = 3
        }
        """;

    /// <summary>What one process by itself makes of it.</summary>
    public static async Task<string> DigestAsync(string job) => (await Singa.RunAsync("train", job, "--devices", "cpu:0", "--threads", "2")).Output[^1];
}
