namespace Singa.Actors.Collective;

/// <summary>For workers that share a process: rows are read and totals written where they lie.</summary>
public sealed class InProcessTransport(TimeProvider? time = null) : Transport
{
    private readonly TimeProvider time = time ?? TimeProvider.System;

    private protected override string? Fault(RoundGroup group) => group.Members.Select(m => m.Peer).Distinct().Count() > 1
        ? $"the members of job {group.Job} live in several processes, and this one has no data plane"
        : null;

    private protected override IRounds Make(RoundGroup group, IRoundObserver? observer) => new RoundTable(group, observer, time);
}
