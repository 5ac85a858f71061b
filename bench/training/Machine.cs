using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Bench.Kernels;
using Singa.Actors.Devices.Cpu;

namespace Singa.Actors.Bench.Training;

/// <summary>What this machine can do at most with so many threads, measured when it is asked for, beside what is judged by it.</summary>
internal sealed unsafe class Machine(int threads)
{
    private const int Runs = 5, Chains = 8, Steps = 100_000;
    private const double RunSeconds = 0.01;

    private readonly Lazy<double> flops = new(() => OnEach(threads, Peak.Measure).Sum() * 1e9);
    private readonly Lazy<double> quotients = new(() => OnEach(threads, () => Enumerable.Range(0, Runs).Max(_ => Quotients())).Sum());
    private readonly Dictionary<long, double> bandwidths = [];

    /// <summary>Multiply-adds count two.</summary>
    public double FlopsPerSecond => flops.Value;

    /// <summary>Divisions, or roots, which take about as long.</summary>
    public double QuotientsPerSecond => quotients.Value;

    /// <summary>The best of copying within so many bytes, source and copy together, and of changing them in place; bytes read and bytes written both count.</summary>
    public double BytesPerSecond(long footprint)
    {
        if (!bandwidths.TryGetValue(footprint, out double found))
        {
            // Every thread its part; parts too small to time are copied as often as it takes.
            long bytes = Math.Max(footprint / 2 / threads / 64 * 64, 64);
            bandwidths[footprint] = found = OnEach(threads, () => Copies(bytes)).Sum();
        }

        return found;
    }

    /// <summary>All at the same time.</summary>
    private static double[] OnEach(int threads, Func<double> measure)
    {
        var results = new double[threads];
        using var start = new Barrier(threads);
        var others = Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            start.SignalAndWait();
            results[i] = measure();
        })).ToArray();
        foreach (var thread in others)
            thread.Start();
        foreach (var thread in others)
            thread.Join();
        return results;
    }

    /// <summary>Bytes a second of the best of three ways: a copy through the caches, one past them, and what is read written back.</summary>
    private static double Copies(long bytes)
    {
        // As devices have it, in large pages: what is measured is memory, not the walk through its tables.
        var piece = new CpuMemory(2 * bytes);
        byte* memory = piece.Pointer;
        try
        {
            return Math.Max(Math.Max(Best(false), Best(true)), Best(null));
        }
        finally
        {
            piece.Free();
        }

        double Best(bool? past)
        {
            double best = 0;
            for (int run = 0; run < Runs; run++)
            {
                long start = Stopwatch.GetTimestamp(), copies = 0;
                do
                {
                    if (past is { } beyond)
                        Copy(memory, memory + bytes, bytes, beyond);
                    else
                        Change(memory, 2 * bytes);
                    copies++;
                }
                while (Stopwatch.GetElapsedTime(start).TotalSeconds < RunSeconds);
                best = Math.Max(best, (past is null ? 4.0 : 2.0) * bytes * copies / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            return best;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Copy(byte* from, byte* to, long bytes, bool past)
    {
        if (past)
        {
            for (long i = 0; i + 64 <= bytes; i += 64)
                Vector512.Load(from + i).StoreAlignedNonTemporal(to + i);
        }
        else
        {
            for (long i = 0; i + 64 <= bytes; i += 64)
                Vector512.Load(from + i).Store(to + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Change(byte* bytes, long count)
    {
        for (long i = 0; i + 64 <= count; i += 64)
            (Vector512.Load(bytes + i) ^ Vector512<byte>.AllBitsSet).Store(bytes + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static double Quotients()
    {
        Vector512<float> by = Vector512.Create(1.0000001f), a = Vector512.Create(1.5f), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Steps; i++)
        {
            a /= by;
            b /= by;
            c /= by;
            d /= by;
            e /= by;
            f /= by;
            g /= by;
            h /= by;
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        GC.KeepAlive(Vector512.Sum(a + b + c + d + e + f + g + h));
        return (double)Steps * Chains * Vector512<float>.Count / seconds;
    }
}
