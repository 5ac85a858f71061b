using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

public sealed class BatchFeederTests
{
    private static readonly StagingSize Size = new(4 * sizeof(float), 4 * sizeof(int));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly BlockingCollection<PreparedBatch> prepared = [];
    private readonly BlockingCollection<string> failed = [];

    [Fact]
    public void It_stops_when_all_slots_are_taken_and_goes_on_when_one_comes_back()
    {
        using var feeder = Feed(new Numbers(), slots: 2);
        var first = Next();
        Next();
        Assert.False(prepared.TryTake(out _));

        feeder.Return(first.Slot);

        Assert.Equal(2, Next().Tag);
    }

    [Fact]
    public void A_batch_holds_the_samples_that_the_order_says()
    {
        var order = new SampleOrder(7, 100);
        using var feeder = Feed(new Numbers(), slots: 1);

        var slot = Next().Slot;

        Assert.Equal(Enumerable.Range(0, 4).Select(i => (float)order[0, i]), MemoryMarshal.Cast<byte, float>(slot.Samples).ToArray());
        Assert.Equal(Enumerable.Range(0, 4).Select(i => (int)order[0, i]), MemoryMarshal.Cast<byte, int>(slot.Labels).ToArray());
    }

    [Fact]
    public void Pieces_of_a_batch_follow_one_another_in_its_slot()
    {
        using var feeder = Feed(new Numbers(), slots: 1, item => item with { Pieces = [(0, 1), (2, 0), (17, 3)] });

        var order = new SampleOrder(7, 100);
        Assert.Equal(new[] { 0, 17, 18, 19 }.Select(i => (float)order[0, i]), MemoryMarshal.Cast<byte, float>(Next().Slot.Samples).ToArray());
    }

    [Fact]
    public void What_cannot_be_read_is_reported_with_its_reason()
    {
        using var feeder = Feed(new Broken(), slots: 1);

        Assert.True(failed.TryTake(out var reason, Patience));
        Assert.Equal("a batch could not be read: the disk is gone", reason);
    }

    private BatchFeeder Feed(ISampleSource source, int slots, Func<WorkItem.Train, WorkItem.Train>? change = null)
    {
        var agenda = Enumerable.Range(0, 10).Select(i => new WorkItem.Train(new ScheduledStep(i, 0, 4 * i, 4), 4 * i, 4, DigestAfter: false)).Select(change ?? (item => item));
        return new BatchFeeder(
            "test batches", agenda, new Dataset(source, null, null), 7,
            Enumerable.Range(0, slots).Select(_ => new StagingSlot(new byte[StagingSlot.Bytes(Size)], Size)), prepared.Add, failed.Add);
    }

    private PreparedBatch Next()
    {
        Assert.True(prepared.TryTake(out var batch, Patience));
        return batch;
    }

    /// <summary>Each sample is its own number.</summary>
    private class Numbers : ISampleSource
    {
        public long Count => 100;

        public TensorType Sample => new(DType.Float32, Shape.Of(1));

        public TensorType Label => new(DType.Int32, Shape.Scalar);

        public int Classes => 100;

        public virtual void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels)
        {
            for (int i = 0; i < samples.Length; i++)
                (MemoryMarshal.Cast<byte, float>(inputs)[i], MemoryMarshal.Cast<byte, int>(labels)[i]) = (samples[i], (int)samples[i]);
        }
    }

    private sealed class Broken : Numbers
    {
        public override void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels) => throw new IOException("the disk is gone");
    }
}
