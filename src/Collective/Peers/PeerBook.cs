using System.Collections.Immutable;
using System.Net;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// Who is connected, who is wanted and who is dead. A pair needs one connection; where both call at the same time the call of the lesser counts,
/// and an accepted call becomes the connection only with its last word, so that both sides settle on the same. Poller's thread.
/// </summary>
internal sealed class PeerBook(Poller poller, HandshakeTerms terms, DataPlaneSettings settings, ILinkOwner owner, Action<PeerId, bool, string> lost)
{
    private const int MostDead = 4096;

    private readonly Dictionary<PeerId, Peer> peers = [];
    private readonly Dictionary<string, ImmutableArray<PeerId>> kept = [];
    private readonly Queue<PeerId> dead = new();
    private ImmutableHashSet<PeerId> connected = [];
    private bool isClosed;

    /// <summary>Any thread.</summary>
    public ImmutableHashSet<PeerId> Connected { get => Volatile.Read(ref connected); private set => Volatile.Write(ref connected, value); }

    public IEnumerable<Link> Links => peers.Values.Where(p => p.Link is not null).Select(p => p.Link!);

    public void Keep(string purpose, ImmutableArray<PeerId> who)
    {
        if (who.IsEmpty)
            kept.Remove(purpose);
        else
            kept[purpose] = who;
        var all = kept.Values.SelectMany(p => p).ToHashSet();
        foreach (var peer in peers.Values)
            peer.IsKept = false;
        foreach (var id in all.Where(id => id != terms.Local))
        {
            var peer = Of(id);
            peer.IsKept = true;
            Reach(peer);
        }
    }

    public void Opened(PeerTable table)
    {
        foreach (var id in table.Processes.Processes.Where(id => id != terms.Local))
        {
            var peer = Of(id);
            peer.Tables.Add(table);
            if (peer.Link is { } link)
                Announce(link, table);
            else if (peer.Dead is { } reason)
                table.Leave(table.Processes.Processes.IndexOf(id), Sentence(table, peer, reason), RanksOf(table, id));
            else
                Reach(peer);
        }
    }

    public void Closed(PeerTable table)
    {
        foreach (var peer in peers.Values)
        {
            if (peer.Tables.Remove(table))
                peer.Link?.Tables.Remove(table.Number);
        }
    }

    /// <summary>A call has been understood so far that it is known who calls.</summary>
    public Answer Judge(Connection connection, Greeting greeting)
    {
        if (greeting.Purpose is not Purpose.Rounds)
            return Answer.Welcome;
        var peer = Of(greeting.Peer);
        if (peer.Dead is not null || greeting.Peer == terms.Local)
            return Answer.OtherIncarnation;
        if (peer.IsDialling && Precedes(terms.Local, peer.Id))
            return Answer.Crossed;
        peer.Calling = connection;
        return Answer.Welcome;
    }

    /// <summary>A call that had been let in is no more.</summary>
    public void Unanswered(Connection connection)
    {
        foreach (var peer in peers.Values.Where(p => p.Calling == connection).ToArray())
        {
            peer.Calling = null;
            Reach(peer);
        }
    }

    public void Accepted(Connection connection, PeerId id, Channel channel)
    {
        var peer = Of(id);
        if (peer.Calling == connection)
            peer.Calling = null;
        Install(peer, channel);
    }

    public void LinkClosed(Link link, string reason)
    {
        var peer = Of(link.Peer);
        foreach (var (table, process) in link.Tables.Values.ToArray())
            table.Leave(process, Sentence(table, peer, reason), RanksOf(table, peer.Id));
        link.Tables.Clear();
        if (peer.Link != link)
            return;
        peer.Link = null;
        peer.Loss = reason;
        Connected = Connected.Remove(peer.Id);
        // What its end means shows at once: a dead process's port is refused.
        Reach(peer);
    }

    public void Probe(PeerId id, TimeSpan timeout, Action<PeerState, string> done)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        Try();

        void Try()
        {
            if (Of(id).Dead is { } reason)
            {
                done(PeerState.Dead, reason);
                return;
            }

            var left = timeout - System.Diagnostics.Stopwatch.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                done(PeerState.Silent, $"{id} gave no sign of life within {timeout.TotalSeconds:0.#} s");
                return;
            }

            Dial(id, Purpose.Probe, left, () => true, (outcome, why, _) =>
            {
                switch (outcome)
                {
                    case Dialled.HungUp or Dialled.Crossed:
                        poller.Schedule(TimeSpan.FromMilliseconds(20), Try);
                        break;
                    case Dialled.Dead:
                        Die(Of(id), why);
                        done(PeerState.Dead, $"{id} is dead: {why}");
                        break;
                    case Dialled.Answered:
                        done(PeerState.Alive, $"{id} answers");
                        break;
                    default:
                        done(PeerState.Silent, $"{id} gave no sign of life: {why}");
                        break;
                }
            });
        }
    }

    /// <summary>Nobody is called any more.</summary>
    public void Close() => isClosed = true;

    /// <summary>It is proved dead: nobody calls it again.</summary>
    public void Die(PeerId id, string reason) => Die(Of(id), reason);

    private static bool Precedes(PeerId a, PeerId b) =>
        (string.CompareOrdinal(a.Host, b.Host), a.Port.CompareTo(b.Port), a.Incarnation.CompareTo(b.Incarnation)) switch
        {
            (not 0 and var host, _, _) => host < 0,
            (_, not 0 and var port, _) => port < 0,
            var (_, _, incarnation) => incarnation < 0,
        };

    private Peer Of(PeerId id)
    {
        if (!peers.TryGetValue(id, out var peer))
            peers.Add(id, peer = new Peer(id));
        return peer;
    }

    private void Reach(Peer peer)
    {
        if (isClosed || peer.Link is not null || peer.IsDialling || peer.Calling is not null || peer.Dead is not null || peer.IsRedialDue)
            return;
        if (!peer.IsWanted)
        {
            if (peer.Dead is null)
                peers.Remove(peer.Id);
            return;
        }

        peer.IsDialling = true;
        // Having let in its call, which counts, or being connected, this one is not wanted.
        Dial(peer.Id, Purpose.Rounds, settings.ProbeTimeout, () => peer is { Link: null, Calling: null, Dead: null }, (outcome, reason, channel) =>
        {
            peer.IsDialling = false;
            HasDialled(peer, outcome, reason, channel);
        });
    }

    private void HasDialled(Peer peer, Dialled outcome, string reason, Channel? channel)
    {
        if (channel is not null && (peer.Link is not null || peer.Dead is not null))
        {
            channel.Close();
            return;
        }

        switch (outcome)
        {
            case Dialled.Answered:
                Install(peer, channel!);
                break;
            case Dialled.Dead:
                Die(peer, reason);
                break;
            case Dialled.Crossed or Dialled.HungUp:
                Again(peer, TimeSpan.FromMilliseconds(20));
                break;
            default:
                Lose(peer, reason);
                Again(peer, settings.RedialInterval);
                break;
        }
    }

    private void Again(Peer peer, TimeSpan after)
    {
        if (peer.IsRedialDue)
            return;
        peer.IsRedialDue = true;
        poller.Schedule(after, () =>
        {
            peer.IsRedialDue = false;
            Reach(peer);
        });
    }

    private void Install(Peer peer, Channel channel)
    {
        if (peer.Dead is not null)
        {
            channel.Close();
            return;
        }

        if (peer.Link is { } old)
        {
            // It has called again: for it the old connection is gone.
            (peer.Link, peer.Loss) = (null, "it has called again");
            old.Close(peer.Loss);
        }

        if (peer.Loss is not null)
            Lose(peer, "it answers on a new connection");
        (peer.Loss, peer.IsToldLost) = (null, false);
        var link = new Link(poller, owner, peer.Id, channel.Wire, channel.Secure, terms.SegmentBytes);
        peer.Link = link;
        Connected = Connected.Add(peer.Id);
        LinkOptions.Apply(link.Socket);
        poller.Add(link);
        foreach (var table in peer.Tables)
            Announce(link, table);
        link.Start();
    }

    private void Lose(Peer peer, string reason)
    {
        if (peer.IsToldLost)
            return;
        peer.IsToldLost = true;
        lost(peer.Id, false, $"{peer.Id}: {(peer.Loss is { } loss ? loss + ", and " : "")}{reason}");
    }

    private void Die(Peer peer, string reason)
    {
        if (peer.Dead is not null)
            return;
        peer.Dead = reason;
        string whole = $"{peer.Id} is dead: {(peer.Loss is { } loss ? loss + ", and " : "")}{reason}";
        dead.Enqueue(peer.Id);
        if (dead.Count > MostDead)
            peers.Remove(dead.Dequeue());
        peer.Link?.Close(reason);
        foreach (var table in peer.Tables.ToArray())
            table.Leave(table.Processes.Processes.IndexOf(peer.Id), Sentence(table, peer, reason), RanksOf(table, peer.Id));
        lost(peer.Id, true, whole);
    }

    private void Announce(Link link, PeerTable table)
    {
        int process = table.Processes.Processes.IndexOf(link.Peer);
        link.Tables[table.Number] = (table, process);
        link.Queue.Add(table.Announcement.ToFrame());
        if (link.Announced.TryGetValue(table.Group.Job, out var announced))
            Match(link, table, announced.Announcement, announced.Farewell);
        link.Pump();
    }

    /// <summary>Both sides take part, if they mean the same group.</summary>
    public void Match(Link link, PeerTable table, Announcement announced, Farewell? farewell)
    {
        if (announced.Generation != table.Group.Generation)
            return;
        int process = table.Processes.Processes.IndexOf(link.Peer);
        if (process < 0)
            return;
        if (announced.Digest != table.Announcement.Digest)
            table.Leave(process, $"{link.Peer} means other members by {table.Group.Generation} of job {table.Group.Job}", RanksOf(table, link.Peer));
        else if (farewell is not null)
            table.Leave(process, farewell.Reason, farewell.Missing);
        else
            table.Join(process, link, announced.Number);
    }

    private void Dial(PeerId id, Purpose purpose, TimeSpan timeout, Func<bool> isWanted, Action<Dialled, string, Channel?> done) => Resolver.Find(id.Host, poller, (address, error) =>
    {
        if (address is null)
            done(Dialled.Silent, error, null);
        else
            Connection.Dial(poller, terms with { Deadline = timeout }, address, id, purpose, isWanted, done);
    });

    private static ImmutableArray<int> RanksOf(PeerTable table, PeerId id) => table.Processes.Ranks[table.Processes.Processes.IndexOf(id)];

    private static string Sentence(PeerTable table, Peer peer, string reason)
    {
        var ranks = RanksOf(table, peer.Id);
        string who = string.Join(", ", ranks.Select(r => table.Group.Members[r]));
        return $"{who} {(ranks.Length == 1 ? "is" : "are")} lost to {table.Group.Generation}: {reason}";
    }
}
