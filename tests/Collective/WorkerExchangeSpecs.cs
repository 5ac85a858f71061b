using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Null;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Collective.Tests;

public sealed class WorkerExchangeSpecs
{
    private const int Elements = 3;

    private readonly InProcessTransport transport = new();

    [Fact]
    public void The_rows_of_a_loaded_plan_become_the_total_for_every_worker()
    {
        var group = new RoundGroup(Groups.Job, Generation.First, 4, 1,
            [new RoundMember(0, "cpu:0", new ShardRange(0, 3)), new RoundMember(1, "cpu:1", new ShardRange(3, 1))]);
        Assert.Null(transport.Open(group));
        using var one = Join(group, 0, rows: 2);
        using var two = Join(group, 1, rows: 1);
        one.Write(1, 2, 3, 10, 20, 30);
        two.Write(100, 200, 300);
        var (first, second) = (one.Begin(9), two.Begin(9));
        Assert.Equal((1, 1, null, null), (first.Count, second.Count, first.Failure, second.Failure));
        Assert.Equal([111f, 222f, 333f], one.Total());
        Assert.Equal([111f, 222f, 333f], two.Total());
    }

    [Fact]
    public void A_worker_alone_combines_its_own_rows()
    {
        var group = new RoundGroup(Groups.Job, Generation.First, 3, 1, [new RoundMember(0, "cpu:0", new ShardRange(0, 3))]);
        Assert.Null(transport.Open(group));
        // Five samples on three shards: two shards see one sample more, so that the last has a row of its own.
        using var worker = Join(group, 0, rows: 2, batch: 5);
        worker.Write(1, 2, 3, 10, 20, 30);
        Assert.Null(worker.Begin(0).Failure);
        Assert.Equal([11f, 22f, 33f], worker.Total());
    }

    [Fact]
    public void Who_has_joined_nothing_is_told_so()
    {
        var told = new Told();
        using var plan = LoadedPlan.Load(new NullBackend(), OneBlock(1));
        new WorkerExchange(transport).Begin(0, 0, plan, Rows(1), told);
        Assert.Equal("the worker has joined no generation", told.Failure);
    }

    private Worker Join(RoundGroup group, int rank, int rows, int batch = 4)
    {
        var exchange = new WorkerExchange(transport);
        var layout = BatchLayout.Of(batch, group.Shards, group.Members[rank].Shards);
        Assert.Equal(rows, layout.Rows.Length);
        exchange.Join(group, rank, _ => layout);
        return new Worker(exchange, rows);
    }

    private static Operand Rows(int rows) => Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(rows, Elements)));

    private static Plan OneBlock(int rows) => new(
        [new Block(0, "bucket", BlockKind.Bucket, rows * Elements * 4, 0)], rows * Elements * 4, 0, ImmutableDictionary<int, ImmutableArray<byte>>.Empty, []);

    /// <summary>A loaded plan of one bucket, in memory that is really there.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly WorkerExchange exchange;
        private readonly CpuMemory memory;
        private readonly LoadedPlan plan;
        private readonly int rows;

        public Worker(WorkerExchange exchange, int rows)
        {
            (this.exchange, this.rows) = (exchange, rows);
            memory = new CpuMemory(rows * Elements * 4);
            plan = LoadedPlan.Load(new NullBackend(), OneBlock(rows), new Dictionary<int, DeviceMemory> { [0] = memory });
        }

        public void Write(params float[] values) => plan.WriteBlock(0, MemoryMarshal.AsBytes<float>(values));

        public Told Begin(long step)
        {
            var told = new Told();
            exchange.Begin(0, step, plan, Rows(rows), told);
            return told;
        }

        public float[] Total()
        {
            var values = new float[rows * Elements];
            plan.ReadBlock(0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values[..Elements];
        }

        public void Dispose()
        {
            plan.Dispose();
            memory.Free();
        }
    }
}
