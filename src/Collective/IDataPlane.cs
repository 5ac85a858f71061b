using System.Collections.Immutable;

namespace Singa.Actors.Collective;

/// <summary>
/// This process's end of the connections that carry bulk bytes: rounds between processes, and blobs. One per process. Any thread
/// may call any member; none blocks for the network.
/// </summary>
public interface IDataPlane : IDisposable
{
    /// <summary>What others reach this process by.</summary>
    PeerId Local { get; }

    /// <summary>Rounds whose members live in this process and in others.</summary>
    ITransport Transport { get; }

    /// <summary>What strangers and peers out of date were refused for, with how often; sorted by reason.</summary>
    ImmutableSortedDictionary<string, long> Refused { get; }

    /// <summary>From now on <paramref name="observer"/> hears of lost peers, until the result is disposed.</summary>
    IDisposable Observe(IPeerObserver observer);

    /// <summary>
    /// Keeps a connection to each of these, so that the death of one is noticed when its kernel closes it. Replaces what was said for the
    /// same purpose before; none ends it. Groups that are open keep their own peers connected.
    /// </summary>
    /// <param name="purpose">Whose wish it is: a job's id, for instance.</param>
    void KeepConnected(string purpose, IEnumerable<PeerId> peers);

    /// <summary>Whether there is a connection to it at this moment.</summary>
    bool IsConnected(PeerId peer);

    /// <summary>Asks for a sign of life on a connection of its own.</summary>
    /// <param name="timeout">How long to wait for it; left out, as configured.</param>
    Task<Probe> ProbeAsync(PeerId peer, TimeSpan? timeout = null);

    /// <summary>Whoever has the secret can fetch <paramref name="blob"/> under this name from now on; it replaces what had the name.</summary>
    void Publish(string name, Blob blob);

    /// <summary>The name is unknown from now on; fetches that have begun end well.</summary>
    void Withdraw(string name);

    /// <summary>
    /// Brings a blob from the first of <paramref name="sources"/> that has it. Where one fails in the middle the next goes on from there, if the
    /// name is that of the content (<see cref="Blob.NameOf"/>), and from the beginning otherwise. Such content is also checked.
    /// </summary>
    /// <param name="sink">Receives the bytes in order, on a thread of the data plane.</param>
    /// <param name="most">Refused when larger.</param>
    /// <exception cref="DataPlaneException">Nobody has it, it is too large, or it is not what its name says: a sentence for people.</exception>
    Task FetchAsync(IReadOnlyList<PeerId> sources, string name, IBlobSink sink, long most, CancellationToken cancel = default);
}

/// <summary>What the data plane could not do: what, where, and why.</summary>
public sealed class DataPlaneException(string message, Exception? inner = null) : Exception(message, inner);
