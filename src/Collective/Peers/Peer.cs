namespace Singa.Actors.Collective.Peers;

/// <summary>Another process as the data plane knows it. Poller's thread.</summary>
internal sealed class Peer(PeerId id)
{
    public PeerId Id => id;

    public Link? Link { get; set; }

    /// <summary>This process calls it at this moment.</summary>
    public bool IsDialling { get; set; }

    /// <summary>It has called and been answered, and has not finished its handshake.</summary>
    public Connection? Calling { get; set; }

    /// <summary>Why it is dead; null while it is not proved to be.</summary>
    public string? Dead { get; set; }

    /// <summary>Why the last connection ended, until a call has shown what that means.</summary>
    public string? Loss { get; set; }

    /// <summary>Observers know that it is not reached.</summary>
    public bool IsToldLost { get; set; }

    public bool IsRedialDue { get; set; }

    /// <summary>Somebody wants it to stay connected, whatever runs.</summary>
    public bool IsKept { get; set; }

    public HashSet<PeerTable> Tables { get; } = [];

    public bool IsWanted => IsKept || Tables.Count > 0;
}
