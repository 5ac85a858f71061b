using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Singa.Actors.Collective.Peers;

namespace Singa.Actors.Collective;

/// <summary>Connections to other processes, their rounds and their blobs; see <see cref="IDataPlane"/>.</summary>
public sealed class DataPlane : IDataPlane, ILinkOwner
{
    private readonly DataPlaneSettings settings;
    private readonly Poller poller;
    private readonly Refusals refusals;
    private readonly PeerTransport transport;
    private readonly PeerBook book;
    private readonly Door door;
    private readonly BlobServer blobs;
    private readonly HandshakeTerms terms;
    private ImmutableArray<IPeerObserver> observers = [];
    private readonly CancellationTokenSource ended = new();
    private int disposed;

    private DataPlane(DataPlaneSettings settings, PeerCredentials? credentials, IPAddress address, Action<string> log, TimeProvider time)
    {
        this.settings = settings;
        var listener = Listen(address, settings);
        Local = new PeerId(settings.Host, ((IPEndPoint)listener.LocalEndPoint!).Port, BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)));
        terms = new HandshakeTerms(Local, credentials is null ? null : new Tls(credentials), settings.SegmentBytes, settings.HandshakeTimeout);
        refusals = new Refusals(log, time);
        blobs = new BlobServer(settings);
        poller = new Poller($"singa data plane {Local.Port}", log);
        book = new PeerBook(poller, terms, settings, this, Lost);
        transport = new PeerTransport(
            Local, settings.SegmentBytes, time, table => poller.Post(() => book.Opened(table)), table => poller.Post(() =>
            {
                book.Closed(table);
                table.Close();
            }));
        door = new Door(poller, terms, listener, settings.StrangersPerAddress, refusals, book, (_, channel) => blobs.Serve(channel));
        poller.Post(() => poller.Add(door));
    }

    public PeerId Local { get; }

    public ITransport Transport => transport;

    public ImmutableSortedDictionary<string, long> Refused => refusals.Counts;

    /// <summary>Binds the data port. Without credentials nobody could be told from a stranger: then only this machine may be bound.</summary>
    /// <param name="log">Receives a line for people now and then.</param>
    /// <exception cref="DataPlaneException">The address may not or cannot be bound.</exception>
    public static DataPlane Start(DataPlaneSettings settings, PeerCredentials? credentials, Action<string>? log = null, TimeProvider? time = null)
    {
        var (address, error) = Resolver.Find(settings.Host);
        if (address is null)
            throw new DataPlaneException($"the data port cannot be bound: {error}");
        if (credentials is null && !IPAddress.IsLoopback(address))
            throw new DataPlaneException($"{settings.Host} is not this machine alone; binding it needs the cluster's secret: set SINGA_CLUSTER_SECRET or singa.cluster.secret");
        return new DataPlane(settings, credentials, address, log ?? (_ => { }), time ?? TimeProvider.System);
    }

    public IDisposable Observe(IPeerObserver observer)
    {
        ImmutableInterlocked.Update(ref observers, o => o.Add(observer));
        return new Subscription(() => ImmutableInterlocked.Update(ref observers, o => o.Remove(observer)));
    }

    public void KeepConnected(string purpose, IEnumerable<PeerId> peers)
    {
        ImmutableArray<PeerId> who = [.. peers];
        poller.Post(() => book.Keep(purpose, who));
    }

    public bool IsConnected(PeerId peer) => book.Connected.Contains(peer);

    public Task<Probe> ProbeAsync(PeerId peer, TimeSpan? timeout = null)
    {
        if (peer == Local)
            return Task.FromResult(new Probe(peer, PeerState.Alive, $"{peer} is this process"));
        var result = new TaskCompletionSource<Probe>(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = ended.Token.Register(() => result.TrySetResult(new Probe(peer, PeerState.Silent, "this process ends")));
        _ = result.Task.ContinueWith(_ => end.Dispose(), TaskContinuationOptions.ExecuteSynchronously);
        poller.Post(() => book.Probe(peer, timeout ?? settings.ProbeTimeout, (state, reason) => result.TrySetResult(new Probe(peer, state, reason))));
        return result.Task;
    }

    public void Publish(string name, Blob blob) => blobs.Publish(name, blob);

    public void Withdraw(string name) => blobs.Withdraw(name);

    public Task FetchAsync(IReadOnlyList<PeerId> sources, string name, IBlobSink sink, long most, CancellationToken cancel = default) =>
        new BlobFetch(terms, settings, blobs, sources, name, sink, most, cancel).Start();

    /// <summary>Says goodbye and ends. Whoever waits in a round is told so.</summary>
    public void Dispose() => End(goodbye: true);

    /// <summary>Ends as a killed process does: without a word.</summary>
    internal void Kill() => End(goodbye: false);

    internal PeerTable? TableOf(Devices.JobId job) => transport.Of(job);

    void ILinkOwner.Receive(Link link, in FrameHeader header, nint payload)
    {
        switch (header.Kind)
        {
            case FrameKind.Row or FrameKind.Total or FrameKind.Arrived:
                if (link.Tables.TryGetValue(header.Group, out var at))
                    at.Table.Take(at.Process, header, payload);
                else
                    refusals.Count(Refusal.Generation, link.Peer.ToString(), $"a frame of round {header.Step} of a generation that is over here");
                break;
            case FrameKind.Opened:
                Announced(link, Announcement.Of(header, payload));
                break;
            case FrameKind.Left:
                Left(link, Farewell.Of(header, payload));
                break;
            case FrameKind.Goodbye:
                book.Die(link.Peer, "it said goodbye");
                break;
            default:
                throw new HandshakeException(Refusal.Malformed, $"a frame of the unknown kind {(byte)header.Kind}");
        }
    }

    void ILinkOwner.Closed(Link link, string reason) => book.LinkClosed(link, reason);

    void ILinkOwner.Refuse(string refusal, string who, string detail) => refusals.Count(refusal, who, detail);

    private static Socket Listen(IPAddress address, DataPlaneSettings settings)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, settings.Port));
            return listener;
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new DataPlaneException($"the data port {settings.Host}:{settings.Port} cannot be bound: {e.Message}", e);
        }
    }

    private void Announced(Link link, Announcement announced)
    {
        const int MostJobs = 1024;
        if (link.Announced.Count >= MostJobs && !link.Announced.ContainsKey(announced.Job))
            link.Announced.Remove(link.Announced.Keys.First());
        link.Announced[announced.Job] = (announced, null);
        if (transport.Of(announced.Job) is not { } table)
            return;
        var (present, asked) = (table.Group.Generation, announced.Generation);
        if (present == asked)
        {
            // Its own farewell went to those who took part by then.
            if (table.Farewell is { } farewell)
                link.Queue.Add(farewell.ToFrame());
            // Only who has heard of this process's part may be sent rows: it answers them.
            if (link.Tables.ContainsKey(table.Number))
                book.Match(link, table, announced, null);
        }
        else if (present.Number > asked.Number)
        {
            link.Queue.Add(new Farewell(announced.Job, asked, $"{asked} of job {announced.Job} is over; {present} has begun", []).ToFrame());
        }
    }

    private void Left(Link link, Farewell farewell)
    {
        if (link.Announced.TryGetValue(farewell.Job, out var known) && known.Announcement.Generation == farewell.Generation)
            link.Announced[farewell.Job] = (known.Announcement, farewell);
        if (transport.Of(farewell.Job) is { } table && table.Group.Generation == farewell.Generation && table.Processes.Processes.IndexOf(link.Peer) is >= 0 and var process)
            table.Leave(process, farewell.Reason, farewell.Missing);
    }

    private void Lost(PeerId peer, bool proved, string reason)
    {
        foreach (var observer in observers)
            observer.Lost(peer, proved, reason);
    }

    private void End(bool goodbye)
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
            return;
        poller.Post(() =>
        {
            door.Close();
            book.Close();
            Link[] links = [.. book.Links];
            foreach (var link in goodbye ? links : [])
            {
                link.Queue.Add(new Frame(new FrameHeader { Kind = FrameKind.Goodbye }));
                link.Pump();
            }

            // What ends here in consequence is nobody else's news.
            foreach (var link in links)
                link.Queue.Dispose();
            foreach (var link in links)
                link.Close("this process ends");
        });
        poller.Dispose();
        blobs.Dispose();
        ended.Cancel();
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
