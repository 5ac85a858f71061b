using System.Collections.Concurrent;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests;

/// <summary>An exchange that ends when the test says so.</summary>
internal sealed class FakeExchange : IExchange
{
    private readonly BlockingCollection<(int Bucket, long Tag, IExchangeCompletion Done)> begun = [];

    public List<string> Aborts { get; } = [];

    public void Begin(int bucket, long tag, LoadedPlan plan, Operand rows, IExchangeCompletion done) => begun.Add((bucket, tag, done));

    public void Abort(string reason)
    {
        lock (Aborts)
            Aborts.Add(reason);
    }

    /// <summary>The next one that a device has begun.</summary>
    public (int Bucket, long Tag, IExchangeCompletion Done) Next() =>
        begun.TryTake(out var next, TimeSpan.FromSeconds(20)) ? next : throw new TimeoutException("no exchange was begun");
}
