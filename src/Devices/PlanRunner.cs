using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>
/// Runs sections of one plan in the calling thread, operation after operation: no actors, no queue. Owns the loaded plan, not the
/// backend. Not thread-safe.
/// </summary>
/// <param name="external">Blocks that live in memory of others; see <see cref="LoadedPlan.Load(IBackend, Plan, IReadOnlyDictionary{int, DeviceMemory}?)"/>.</param>
public sealed class PlanRunner(IBackend backend, Plan plan, IExchange? exchange = null, IReadOnlyDictionary<int, DeviceMemory>? external = null) : IDisposable
{
    private readonly IExchange exchange = exchange ?? LocalExchange.Instance;
    private readonly Dictionary<int, Waiter> travelling = [];

    public LoadedPlan Loaded { get; } = LoadedPlan.Load(backend, plan, external);

    /// <param name="section">Its name in the plan.</param>
    /// <param name="buffers">One for each host slot, of exactly its size.</param>
    public void Run(string section, params ReadOnlySpan<Memory<byte>> buffers) => Run(Loaded.SectionIndex(section), 0, buffers);

    /// <param name="tag">What an exchange is told: the step.</param>
    /// <exception cref="ArgumentException">A buffer is missing or of another size than its slot.</exception>
    /// <exception cref="InvalidOperationException">An exchange failed.</exception>
    public void Run(int section, long tag, params ReadOnlySpan<Memory<byte>> buffers)
    {
        var operations = plan.Sections[section].Operations;
        if (HostTransfer.Mismatch(plan.Sections[section], buffers) is { } mismatch)
            throw new ArgumentException(mismatch, nameof(buffers));
        for (int i = 0; i < operations.Length; i++)
        {
            if (travelling.Count > 0 && operations[i].Reads.Concat(operations[i].Writes).Any(travelling.ContainsKey))
                Land();
            switch (operations[i].Kernel)
            {
                case UploadKernel upload:
                    HostTransfer.Upload(Loaded, upload, buffers[upload.Slot].Span);
                    break;
                case DownloadKernel download:
                    HostTransfer.Download(Loaded, download, buffers[download.Slot].Span);
                    break;
                case ExchangeKernel kernel:
                    Exchange(kernel, tag);
                    break;
                default:
                    backend.Launch(Loaded.Kernel(section, i)!, Loaded.Scratch);
                    break;
            }
        }

        Land();
        backend.Synchronize();
    }

    public void Dispose() => Loaded.Dispose();

    private void Exchange(ExchangeKernel kernel, long tag)
    {
        backend.Synchronize();
        var done = new Waiter();
        travelling.Add(kernel.Rows.Block, done);
        exchange.Begin(kernel.Bucket, tag, Loaded, kernel.Rows, done);
    }

    /// <summary>Waits for all buckets under way: a round completes as a whole, so that waiting for one before the next has begun would last for ever.</summary>
    private void Land()
    {
        var waiters = travelling.Values.ToArray();
        travelling.Clear();
        foreach (var waiter in waiters)
            waiter.Wait();
    }

    private sealed class Waiter : IExchangeCompletion
    {
        private readonly ManualResetEventSlim signal = new();
        private string? failure;

        public void Complete() => signal.Set();

        public void Fail(string reason)
        {
            failure = reason;
            signal.Set();
        }

        public void Wait()
        {
            signal.Wait();
            if (failure is not null)
                throw new InvalidOperationException(failure);
        }
    }
}
