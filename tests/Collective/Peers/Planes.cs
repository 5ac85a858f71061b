using System.Collections.Concurrent;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Tests.Peers;

/// <summary>Several data planes on this machine, as if each were a process, with members of one job spread over them.</summary>
internal sealed class Planes : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly PeerCredentials? credentials;
    private readonly TimeProvider? time;

    public Planes(int count, string? secret = null, int segmentBytes = 65536, TimeProvider? time = null, Func<DataPlaneSettings, DataPlaneSettings>? change = null)
    {
        credentials = secret is null ? null : PeerCredentials.OfSecret(secret);
        this.time = time;
        Settings = DataPlaneSettings.From(null, "127.0.0.1", 0) with { SegmentBytes = segmentBytes };
        Settings = change?.Invoke(Settings) ?? Settings;
        All = [.. Enumerable.Range(0, count).Select(_ => Start())];
        Losses = [.. All.Select(p => new Losses(p))];
    }

    public DataPlaneSettings Settings { get; }

    public List<DataPlane> All { get; }

    public Losses[] Losses { get; }

    public ConcurrentQueue<string> Log { get; } = new();

    public DataPlane this[int i] => All[i];

    public DataPlane Start() => DataPlane.Start(Settings, credentials, Log.Enqueue, time);

    /// <summary>Random cut of the shards; member r lives on plane <paramref name="home"/>[r].</summary>
    public RoundGroup Group(Random random, int shards, int[] home, int buckets, long generation = 1)
    {
        var cut = Groups.Random(random, shards, home.Length, buckets, generation);
        return cut with { Members = [.. cut.Members.Select(m => m with { Peer = All[home[m.Rank]].Local })] };
    }

    /// <summary>One member on each plane, with one shard.</summary>
    public RoundGroup Even(int buckets = 1, long generation = 1) =>
        new(Groups.Job, new Generation(generation), All.Count, buckets,
            [.. All.Select((p, r) => new RoundMember(r, $"cpu:{r}", new ShardRange(r, 1), p.Local))]);

    public void Open(RoundGroup group, IRoundObserver? observer = null)
    {
        foreach (var plane in All.Where(p => group.Members.Any(m => m.Peer == p.Local)))
            Assert.Null(plane.Transport.Open(group, observer));
    }

    public DataPlane Of(RoundMember member) => All.Single(p => p.Local == member.Peer);

    public Told Begin(RoundGroup group, long step, int rank, int bucket, Bucket rows)
    {
        var told = new Told();
        Of(group.Members[rank]).Transport.Begin(new RoundId(group.Job, group.Generation, step), rank, bucket, rows.Bring(told));
        return told;
    }

    public void Until(Func<bool> condition, string what)
    {
        if (!SpinWait.SpinUntil(condition, Patience))
            Assert.Fail($"{what} did not happen; {string.Join("; ", Log)}; {string.Join("; ", Losses.SelectMany(l => l.Told))}");
    }

    public void Dispose()
    {
        foreach (var plane in All)
            plane.Dispose();
    }
}

/// <summary>What an observer of a plane was told.</summary>
internal sealed class Losses : IPeerObserver
{
    private readonly ConcurrentQueue<(PeerId Peer, bool Proved, string Reason)> told = new();

    public Losses(IDataPlane plane) => plane.Observe(this);

    public (PeerId Peer, bool Proved, string Reason)[] Told => [.. told];

    public void Lost(PeerId peer, bool proved, string reason) => told.Enqueue((peer, proved, reason));
}
