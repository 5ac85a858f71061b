using System.Diagnostics;
using System.Globalization;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.AllReduce;

/// <summary>One of the processes: says where it listens, hears where the others do, and sums with them.</summary>
internal static class Member
{
    public static unsafe void Run(int rank, int count, string? secret)
    {
        using var plane = DataPlane.Start(
            DataPlaneSettings.From(null, "127.0.0.1", 0), secret is null ? null : PeerCredentials.OfSecret(secret), Console.Error.WriteLine);
        Console.WriteLine($"{plane.Local.Port} {plane.Local.Incarnation}");
        var peers = Enumerable.Range(0, count).Select(_ => Console.ReadLine()!.Split(' ')).Select(p => new PeerId("127.0.0.1", int.Parse(p[0]), long.Parse(p[1]))).ToArray();
        var job = new JobId("bench");
        for (int i = 0; i < Sizes.All.Length; i++)
        {
            var (bytes, repeats) = Sizes.All[i];
            var group = new RoundGroup(
                job, new Generation(i + 1), count, 1, [.. peers.Select((p, r) => new RoundMember(r, $"cpu:{r}", new ShardRange(r, 1), p))]);
            if (plane.Transport.Open(group) is { } refusal)
                throw new InvalidOperationException(refusal);
            var memory = new CpuMemory(bytes);
            var elements = new Span<float>((void*)memory.HostAddress, (int)(bytes / sizeof(float)));
            var rows = new HostRows(memory.HostAddress, 1, elements.Length, DType.Float32);
            double[] times = new double[repeats];
            for (int r = -3; r < repeats; r++)
            {
                elements.Fill(rank + 1);
                var done = new Done();
                long begin = Stopwatch.GetTimestamp();
                plane.Transport.Begin(new RoundId(job, group.Generation, r + 3), rank, 0, new Contribution(rows, [new ShardRange(rank, 1)], done));
                done.Wait();
                if (r >= 0)
                    times[r] = Stopwatch.GetElapsedTime(begin).TotalSeconds;
                if (elements.ContainsAnyExcept(count * (count + 1) / 2f))
                    throw new InvalidOperationException($"the sum is {elements[0]}");
            }

            Array.Sort(times);
            if (rank == 0)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes} {times[repeats / 2]:R}"));
            memory.Free();
        }

        Console.WriteLine("done");
        Console.ReadLine();
    }

    private sealed class Done : IExchangeCompletion
    {
        private readonly ManualResetEventSlim over = new();
        private string? failure;

        public void Complete() => over.Set();

        public void Fail(string reason)
        {
            failure = reason;
            over.Set();
        }

        public void Wait()
        {
            over.Wait();
            if (failure is not null)
                throw new InvalidOperationException(failure);
        }
    }
}
