namespace Singa.Actors.Collective.Peers;

/// <summary>Groups whose members all live here meet in memory; others over the data plane.</summary>
internal sealed class PeerTransport(PeerId local, int segmentBytes, TimeProvider time, Action<PeerTable> opened, Action<PeerTable> closed) : Transport
{
    private const int MostRows = 64;

    private uint numbers;

    /// <summary>What this process has open of a job; null where nothing spans processes.</summary>
    public PeerTable? Of(Devices.JobId job) => TryGet(job, out var rounds) ? rounds as PeerTable : null;

    private protected override string? Fault(RoundGroup group)
    {
        if (group.Members.All(m => IsHere(m)))
            return null;
        var processes = new ProcessGroup(group, local, segmentBytes);
        if (processes.Self < 0)
            return $"no member of job {group.Job} lives in this process, {local}";
        if (processes.Processes.GroupBy(p => (p.Host, p.Port)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            return $"two members of job {group.Job} live at {twice.First()}, in different lives of a process";
        return processes.MostRows > MostRows
            ? $"the shards of a process of job {group.Job} lie so scattered that it would bring {processes.MostRows} rows; {MostRows} are the most: give processes consecutive ranks"
            : null;
    }

    private protected override IRounds Make(RoundGroup group, IRoundObserver? observer) => group.Members.All(IsHere)
        ? new RoundTable(group, observer, time)
        : new PeerTable(new ProcessGroup(group, local, segmentBytes), Interlocked.Increment(ref numbers), observer, time);

    private protected override void Opened(IRounds rounds)
    {
        if (rounds is PeerTable table)
            opened(table);
    }

    private protected override void Closed(IRounds rounds)
    {
        if (rounds is PeerTable table)
            closed(table);
    }

    private bool IsHere(RoundMember member) => member.Peer is null || member.Peer == local;
}
