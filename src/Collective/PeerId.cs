namespace Singa.Actors.Collective;

/// <summary>
/// A process as the data planes of others see it: where its data port listens, and a random number of that process's life. Whoever
/// is started again is another peer.
/// </summary>
public readonly record struct PeerId(string Host, int Port, long Incarnation)
{
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
