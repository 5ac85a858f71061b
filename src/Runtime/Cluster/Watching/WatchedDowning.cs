using Akka.Actor;
using Akka.Cluster;

namespace Singa.Actors.Runtime.Cluster.Watching;

/// <summary>In place of the cluster's own ways to let members go: <see cref="WatchActor"/> does, which knows the data plane.</summary>
public sealed class WatchedDowning : IDowningProvider
{
    /// <summary>Called by the cluster, by name.</summary>
    public WatchedDowning(ExtendedActorSystem system, Akka.Cluster.Cluster cluster)
    {
        _ = cluster;
        DownRemovalMargin = system.Settings.Config.GetTimeSpan("akka.cluster.down-removal-margin");
    }

    public TimeSpan DownRemovalMargin { get; }

    public Props? DowningActorProps => null;
}
