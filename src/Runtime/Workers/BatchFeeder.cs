using System.Collections.Concurrent;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Workers;

/// <summary>A batch in its slot, ready for the device. <c>Tag</c>: the step of a training batch, negative for a test batch.</summary>
internal sealed record PreparedBatch(WorkItem Item, long Tag, StagingSlot Slot);

/// <summary>
/// Reads batches ahead of the device, on a thread of its own because reading may block. There are as many batches ahead as
/// there are slots: when all are taken, it waits.
/// </summary>
internal sealed class BatchFeeder : IDisposable
{
    private readonly IEnumerable<WorkItem> agenda;
    private readonly Dataset data;
    private readonly SampleOrder order;
    private readonly BlockingCollection<StagingSlot> free = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Thread thread;
    private readonly Action<PreparedBatch> prepared;
    private readonly Action<string> failed;
    private long[] samples = [];

    /// <param name="prepared">Called on the feeder's thread, in order of the agenda.</param>
    /// <param name="failed">Called there, once, when a batch cannot be read.</param>
    public BatchFeeder(
        string name, IEnumerable<WorkItem> agenda, Dataset data, ulong seed, IEnumerable<StagingSlot> slots,
        Action<PreparedBatch> prepared, Action<string> failed)
    {
        (this.agenda, this.data, this.prepared, this.failed) = (agenda, data, prepared, failed);
        order = new SampleOrder(seed, data.Train.Count);
        foreach (var slot in slots)
            free.Add(slot);
        thread = new Thread(Feed) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Nobody reads this slot any more.</summary>
    public void Return(StagingSlot slot) => free.Add(slot);

    /// <summary>Returns when the thread has ended: nothing writes to a slot afterwards.</summary>
    public void Dispose()
    {
        stop.Cancel();
        if (Thread.CurrentThread != thread)
            thread.Join();
        stop.Dispose();
        free.Dispose();
    }

    private void Feed()
    {
        try
        {
            long tests = 0;
            foreach (var item in agenda)
            {
                var slot = free.Take(stop.Token);
                prepared(item switch
                {
                    WorkItem.Train train => new PreparedBatch(item, train.Step.Step, Fill(slot, train)),
                    WorkItem.Evaluate test => new PreparedBatch(item, WorkerTags.Test(tests++), Fill(slot, test)),
                    _ => throw new InvalidOperationException($"{item} is no work for a feeder"),
                });
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            failed($"a batch could not be read: {e.Message}");
        }
    }

    private StagingSlot Fill(StagingSlot slot, WorkItem.Train train)
    {
        var numbers = Numbers(train.Count);
        int at = 0;
        foreach (var (first, count) in train.Pieces ?? [(train.First, train.Count)])
        {
            for (int i = 0; i < count; i++)
                numbers[at++] = order[train.Step.Epoch, first + i];
        }

        Read(data.Train, train.Step.Epoch, numbers, slot);
        return slot;
    }

    private StagingSlot Fill(StagingSlot slot, WorkItem.Evaluate test)
    {
        var numbers = Numbers(test.Count);
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = test.First + i;
        Read(data.Test!, epoch: 0, numbers, slot);
        return slot;
    }

    private static void Read(ISampleSource source, int epoch, ReadOnlySpan<long> numbers, StagingSlot slot) => source.Read(
        epoch, numbers, slot.Samples[..checked((int)(numbers.Length * source.Sample.Bytes))], slot.Labels[..checked((int)(numbers.Length * source.Label.Bytes))]);

    private Span<long> Numbers(int count)
    {
        if (samples.Length < count)
            samples = new long[count];
        return samples.AsSpan(0, count);
    }
}

/// <summary>Tags of submissions that are no steps; negative, so that no step is ever taken for one.</summary>
internal static class WorkerTags
{
    public const long Initialise = -1;

    public static long Test(long number) => -2 - number;
}
