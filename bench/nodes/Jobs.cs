namespace Singa.Actors.Bench.Nodes;

/// <summary>What is trained. Digits are drawn by each node where there are no files; the jobs end when they are cancelled.</summary>
internal static class Jobs
{
    private const string Endless = "epochs = 1000000, seed = 1, shards = 8, optimizer { kind = sgd, learning-rate = 0.001, momentum = 0.9 }";

    public const string Short = "model = lenet, data { kind = digits, train = 4096, test = 0 }, batch-size = 512, " + Endless;

    /// <param name="data">What stands in <c>data { … }</c>; null: digits, drawn.</param>
    public static string ResNet(int batch, int shards = 8, string? data = null) =>
        $"model = resnet18, data {{ {data ?? $"kind = digits, train = {DigitsFor(batch)}, test = 0"} }}, batch-size = {batch}, {Endless}, shards = {shards}";

    /// <summary>Two steps an epoch.</summary>
    public static int DigitsFor(int batch) => Math.Max(1024, 2 * batch);
}
