using System.Runtime.CompilerServices;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Tests.Hosting;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class AsyncDataTests
{
    /// <summary>Samples of 300,000 bytes: three to a piece of the buffer.</summary>
    [Fact]
    public async Task Every_sample_is_kept_as_it_came()
    {
        const int each = 300_000;
        var data = new AsyncData { Sample = Shape.Of(each), Label = Shape.Of(2), Train = Samples(10, i => new HostSample(Bytes(i), new[] { i, i + 0.5 })) };
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal(new DataDescription(new TensorType(DType.UInt8, Shape.Of(each)), new TensorType(DType.Float64, Shape.Of(2)), 0, 10, 0), dataset.Description);
        var (inputs, labels) = dataset.Train.Read<byte, double>(0, 9, 0, 3, 5);
        Assert.Equal([9, 9.5, 0, 0.5, 3, 3.5, 5, 5.5], labels);
        Assert.Equal([.. Bytes(9), .. Bytes(0), .. Bytes(3), .. Bytes(5)], inputs);

        static byte[] Bytes(int i) => [.. Enumerable.Range(0, each).Select(p => (byte)(p * 31 + i))];
    }

    /// <summary>A sequence, read when the job is submitted, trains what arrays of the same samples train.</summary>
    [Fact]
    public async Task A_sequence_is_read_once_and_trained_on_for_many_epochs()
    {
        var arrays = TinyJob.Clouds();
        int begun = 0;
        var data = new AsyncData { Sample = arrays.Sample, Classes = arrays.Classes, Train = Cloud(TinyJob.Train, 1), Test = Cloud(TinyJob.Test, 2) };
        await using var host = await TestHost.StartAsync("cpu=2", singa => singa.WithBackends(_ => new ReferenceBackend()));
        var (expected, _) = await host.TrainAsync(TinyJob.Create());
        var (result, _) = await host.TrainAsync(TinyJob.Create() with { Data = data });
        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.Equal(2, begun);

        async IAsyncEnumerable<HostSample> Cloud(int count, int seed)
        {
            begun++;
            var (inputs, labels) = TinyJob.Draw(count, seed);
            for (int i = 0; i < count; i++)
            {
                await Task.Yield();
                yield return new HostSample(inputs[(2 * i)..(2 * i + 2)], labels[i]);
            }
        }
    }

    [Fact]
    public async Task Withdrawing_the_job_ends_the_reading()
    {
        using var withdrawn = new CancellationTokenSource();
        bool ended = false;
        var reading = DataLoader.LoadAsync(new AsyncData { Sample = Shape.Of(1), Train = Endless() }, 1, withdrawn.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.True(ended);

        async IAsyncEnumerable<HostSample> Endless([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    if (i == 100)
                        withdrawn.Cancel();
                    await Task.Yield();
                    cancellation.ThrowIfCancellationRequested();
                    yield return new HostSample(1f, 0);
                }
            }
            finally
            {
                ended = true;
            }
        }
    }

    [Fact]
    public async Task Refuses_what_does_not_fit()
    {
        var data = new AsyncData { Sample = Shape.Of(2), Classes = 3, Train = Samples(3, i => new HostSample(new float[2], i)) };
        await Refused(data with { Train = Samples(0, _ => default) }, "there are no training samples");
        await Refused(data with { Train = Samples(3, i => new HostSample(new float[2 + i / 2], 0)) }, "the input of training sample 2 has 3 values, not 2");
        await Refused(data with { Train = Samples(1, _ => default) }, "the input of training sample 0 has 0 values, not 2");
        await Refused(data with { Test = Samples(3, i => new HostSample(new float[2], new int[1 + i])) }, "the label of test sample 1 has 2 values, not 1");
        await Refused(data with { Train = Samples(2, i => new HostSample(i == 0 ? new float[2] : new int[2], 0)) }, "the input of training sample 1 is Int32 where the first is Float32");
        await Refused(data with { Train = Samples(4, i => new HostSample(new float[2], i)) }, "training label 3 is 3, outside 0 … 2");
        await Refused(data with { Test = Samples(1, _ => new HostSample(new byte[2], 0)) }, "training samples are float32[2]");
        await Refused(data with { Sample = Shape.Of(0) }, "every dimension must be at least 1");
        await Refused(data with { Train = Samples(3, i => i == 2 ? throw new IOException("the line is dead") : new HostSample(new float[2], i)) },
            "the training samples end with an error after 2: the line is dead");
        Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data));
    }

    private static async IAsyncEnumerable<HostSample> Samples(int count, Func<int, HostSample> sample)
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Yield();
            yield return sample(i);
        }
    }

    private static async Task Refused(DataSpec data, string sentence) =>
        Assert.Contains(sentence, (await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1))).Message);
}
