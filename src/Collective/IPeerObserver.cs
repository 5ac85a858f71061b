namespace Singa.Actors.Collective;

/// <summary>Hears of peers as the data plane sees them, on its thread; must return at once.</summary>
public interface IPeerObserver
{
    /// <summary>The connection to a peer is gone, or none came about.</summary>
    /// <param name="proved">
    /// Its process is surely dead: a new connection to its port is refused or answered by another incarnation, or it said goodbye.
    /// Told once. Silence proves nothing: such a peer may be lost several times, and be heard of again.
    /// </param>
    /// <param name="reason">A sentence that names it.</param>
    void Lost(PeerId peer, bool proved, string reason);
}

/// <summary>What asking a peer for a sign of life brought.</summary>
public enum PeerState
{
    /// <summary>That incarnation answers.</summary>
    Alive,

    /// <summary>Its port is refused, another incarnation answers, or it said goodbye: proved.</summary>
    Dead,

    /// <summary>No answer within the time, or no way there: proves nothing.</summary>
    Silent,
}

/// <param name="Reason">A sentence for people: how that was found out.</param>
public sealed record Probe(PeerId Peer, PeerState State, string Reason);
