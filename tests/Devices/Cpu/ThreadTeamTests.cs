using Singa.Actors.Devices.Cpu;

namespace Singa.Actors.Devices.Tests.Cpu;

public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public unsafe void EveryPartOfEveryKernelRunsOnce(int threads)
    {
        using var team = new ThreadTeam("test", threads);
        for (int round = 0; round < 3000; round++)
        {
            var kernel = new Counting(round % 37);
            kernel.Settle(threads);
            team.Run(kernel, null);
            Assert.All(kernel.Runs, runs => Assert.Equal(1, runs));
        }
    }

    [Fact]
    public unsafe void AParkedWorkerIsWokenAndNotWaitedFor()
    {
        using var team = new ThreadTeam("test", 2);
        var parked = new Meeting();
        parked.Settle(2);

        // The first part ends only when the second one has begun, which the caller cannot do: the worker has to come, parked or not.
        for (int round = 0; round < 20; round++)
        {
            SpinWait.SpinUntil(() => team.Parked == 1, TimeSpan.FromSeconds(10));
            Assert.Equal(1, team.Parked);
            parked.Reset();
            team.Run(parked, null);
        }

        // Parts that do not wait are done whether the worker comes or not.
        var counting = new Counting(8);
        counting.Settle(2);
        team.Run(counting, null);
        Assert.All(counting.Runs, runs => Assert.Equal(1, runs));
    }

    [Fact]
    public unsafe void AFailingPartFailsTheLaunchAndNotTheTeam()
    {
        using var team = new ThreadTeam("test", 3);
        var failing = new Failing();
        failing.Settle(3);
        Assert.Throws<DivideByZeroException>(() => team.Run(failing, null));
        var counting = new Counting(10);
        counting.Settle(3);
        team.Run(counting, null);
        Assert.All(counting.Runs, runs => Assert.Equal(1, runs));
    }

    private sealed unsafe class Counting(int parts) : CpuKernel
    {
        public int[] Runs { get; } = new int[parts];

        public override int Parts(int threads) => parts;

        public override void Run(int part, int parts, int thread, byte* scratch) => Interlocked.Increment(ref Runs[part]);
    }

    private sealed unsafe class Meeting : CpuKernel
    {
        private int arrived;

        public void Reset() => arrived = 0;

        public override int Parts(int threads) => 2;

        public override void Run(int part, int parts, int thread, byte* scratch)
        {
            Interlocked.Increment(ref arrived);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref arrived) == 2, TimeSpan.FromSeconds(10)));
        }
    }

    private sealed unsafe class Failing : CpuKernel
    {
        public override int Parts(int threads) => 9;

        public override void Run(int part, int parts, int thread, byte* scratch)
        {
            if (part == 4)
                throw new DivideByZeroException();
        }
    }
}
