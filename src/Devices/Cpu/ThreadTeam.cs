using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Singa.Actors.Devices.Cpu;

/// <summary>
/// The threads of one device. A kernel's parts are claimed by whoever is awake, the caller among them, so that nobody waits for
/// a thread that is still waking up: each thread its own first, which lie side by side, then those of others. So the same thread finds the same
/// parts of a tensor in its caches from kernel to kernel and step to step. Workers look out for the next kernel for half a millisecond, then park.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const int CountBits = 20;
    private const long CountMask = (1 << CountBits) - 1;

    private readonly Worker[] workers;
    private readonly Lane[] lanes;
    private Counters counters;
    private CpuKernel? kernel;
    private byte* scratch;
    private Exception? failure;
    private volatile bool closed;

    public ThreadTeam(string name, int threads)
    {
        lanes = new Lane[threads];
        workers = [.. Enumerable.Range(1, threads - 1).Select(i => new Worker(this, $"{name} thread {i}", i))];
    }

    public int Threads => workers.Length + 1;

    /// <summary>How many workers sleep.</summary>
    public int Parked => workers.Count(w => w.IsParked);

    /// <summary>Runs all parts of a kernel and returns when they are done. One caller at a time.</summary>
    public void Run(CpuKernel next, byte* memory)
    {
        int parts = next.PartCount;
        if (parts <= 1 || workers.Length == 0)
        {
            for (int part = 0; part < parts; part++)
                next.Run(part, parts, 0, memory);
            return;
        }

        if (parts > CountMask)
            throw new ArgumentException($"a kernel has {parts} parts; {CountMask} is the most a team can count");
        kernel = next;
        scratch = memory;
        Volatile.Write(ref counters.Open, parts);

        // Kernel's number, end and next part in one word: a late worker cannot claim a part of another kernel than it looked at.
        long number = ++counters.Number << (2 * CountBits);
        for (int i = 0; i < lanes.Length; i++)
            Interlocked.Exchange(ref lanes[i].State, number | ((long)parts * (i + 1) / lanes.Length << CountBits) | ((long)parts * i / lanes.Length));
        int wanted = parts - 1;
        foreach (var worker in workers)
        {
            if (wanted-- <= 0)
                break;
            worker.Wake();
        }

        while (TryClaim(0, out int part))
            RunPart(part, 0);
        var wait = default(SpinWait);
        while (Volatile.Read(ref counters.Open) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
        if (failure is { } thrown)
        {
            failure = null;
            ExceptionDispatchInfo.Throw(thrown);
        }
    }

    public void Dispose()
    {
        closed = true;
        foreach (var worker in workers)
            worker.Close();
    }

    private bool CanClaim()
    {
        for (int i = 0; i < lanes.Length; i++)
        {
            if (CanClaim(ref lanes[i], out _))
                return true;
        }

        return false;
    }

    private static bool CanClaim(ref Lane lane, out long state)
    {
        state = Volatile.Read(ref lane.State);
        return (state & CountMask) < ((state >> CountBits) & CountMask);
    }

    private bool TryClaim(int thread, out int part)
    {
        for (int i = 0; i < lanes.Length; i++)
        {
            ref var lane = ref lanes[(thread + i) % lanes.Length];
            while (CanClaim(ref lane, out long state))
            {
                if (Interlocked.CompareExchange(ref lane.State, state + 1, state) != state)
                    continue;
                part = (int)(state & CountMask);
                return true;
            }
        }

        part = 0;
        return false;
    }

    // The claim holds the kernel open: its fields are stable until the part is counted as done.
    private void RunPart(int part, int thread)
    {
        try
        {
            kernel!.Run(part, kernel.PartCount, thread, scratch + thread * kernel.ScratchStride);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, e, null);
        }

        Interlocked.Decrement(ref counters.Open);
    }

    // Apart, so that counting down does not slow claiming.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Counters
    {
        [FieldOffset(64)]
        public long Number;

        [FieldOffset(128)]
        public int Open;
    }

    /// <summary>Parts of one thread that nobody has claimed.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Lane
    {
        [FieldOffset(64)]
        public long State;
    }

    private sealed class Worker
    {
        private static readonly long Patience = Stopwatch.Frequency / 2000;
        private const int LooksPerClockRead = 16;

        private readonly ThreadTeam team;
        private readonly int number;
        private readonly AutoResetEvent wake = new(false);
        private readonly Thread thread;
        private int parked;

        public Worker(ThreadTeam team, string name, int number)
        {
            (this.team, this.number) = (team, number);
            thread = new Thread(Work) { IsBackground = true, Name = name };
            thread.Start();
        }

        public bool IsParked => Volatile.Read(ref parked) == 1;

        public void Wake()
        {
            if (IsParked && Interlocked.CompareExchange(ref parked, 0, 1) == 1)
                wake.Set();
        }

        public void Close()
        {
            Wake();
            thread.Join();
            wake.Dispose();
        }

        private void Work()
        {
            while (!team.closed)
            {
                while (team.TryClaim(number, out int part))
                    team.RunPart(part, number);
                if (!Look())
                    Park();
            }
        }

        private bool Look()
        {
            long start = Stopwatch.GetTimestamp();
            do
            {
                for (int i = 0; i < LooksPerClockRead; i++)
                {
                    if (team.CanClaim() || team.closed)
                        return true;
                    Thread.SpinWait(1);
                }
            }
            while (Stopwatch.GetTimestamp() - start < Patience);
            return false;
        }

        // Says that it sleeps, then looks once more: a caller that did not see the first has published what the second sees.
        private void Park()
        {
            Interlocked.Exchange(ref parked, 1);
            if ((team.CanClaim() || team.closed) && Interlocked.CompareExchange(ref parked, 0, 1) == 1)
                return;
            wake.WaitOne();
        }
    }
}
