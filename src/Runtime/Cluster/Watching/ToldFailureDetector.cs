using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace Singa.Actors.Runtime.Cluster.Watching;

/// <summary>Suspects whoever is silent for too long, as the one it derives from does, and whoever it is told to be dead at once.</summary>
public sealed class ToldFailureDetector : PhiAccrualFailureDetector
{
    private readonly DeadMembers dead;

    /// <summary>Called by the cluster, by name.</summary>
    public ToldFailureDetector(Config settings, EventStream system)
        : base(settings, system) => dead = DeadMembers.Of(system);

    public override bool IsAvailable => !dead.IsDead(Address) && base.IsAvailable;
}
