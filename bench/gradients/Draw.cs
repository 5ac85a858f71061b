using Singa.Actors.Graph;

namespace Singa.Actors.Bench.Gradients;

/// <summary>Choices and numbers by seed.</summary>
internal sealed class Draw(int seed)
{
    private readonly Random random = new(seed);

    public int From(int low, int high) => random.Next(low, high + 1);

    public T One<T>(params T[] choices) => choices[random.Next(choices.Length)];

    public Shape Shape(int rank, int most = 6) => Graph.Shape.Of([.. Enumerable.Range(0, rank).Select(_ => (long)From(1, most))]);

    public double[] Values(Shape shape) => [.. Enumerable.Range(0, (int)shape.Count).Select(_ => random.NextDouble() * 4 - 2)];

    public int[] Indices(Shape shape, int end) => [.. Enumerable.Range(0, (int)shape.Count).Select(_ => random.Next(end))];
}
