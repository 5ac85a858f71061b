using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Cluster;
using Akka.Event;

namespace Singa.Actors.Runtime.Cluster.Watching;

/// <summary>
/// Members that are proved dead, as failure detectors ask for them. A detector knows only an address, and a process that was started again may have
/// the address of a dead one; so what counts is who is the member there. Thread-safe.
/// </summary>
internal sealed class DeadMembers
{
    private static readonly ConditionalWeakTable<EventStream, DeadMembers> All = [];

    private readonly ConcurrentDictionary<UniqueAddress, bool> dead = new();
    private readonly ConcurrentDictionary<string, UniqueAddress> members = new();

    /// <summary>Those of an actor system; a detector is given nothing of it but its stream of events.</summary>
    public static DeadMembers Of(EventStream system) => All.GetOrCreateValue(system);

    public void Joined(UniqueAddress member) => members[member.Address.ToString()] = member;

    public void Left(UniqueAddress member)
    {
        members.TryRemove(new KeyValuePair<string, UniqueAddress>(member.Address.ToString(), member));
        dead.TryRemove(member, out _);
    }

    /// <returns>Whether it is news.</returns>
    public bool Tell(UniqueAddress member) => dead.TryAdd(member, true);

    public bool IsDead(string address) => members.TryGetValue(address, out var member) && dead.ContainsKey(member);
}
