using Akka.Configuration;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>How long members wait for one another; each is a key of <c>singa.cluster</c>.</summary>
/// <param name="FormAfter">How long a node that may begin a cluster waits for an answer from those it knows.</param>
/// <param name="RecallAfter">How long it waits for those it remembers as members, who are likely to be in a cluster still.</param>
/// <param name="StableAfter">How long members must have been silent before the majority goes on without them.</param>
/// <param name="ContactTimeout">How long a command waits for a node that is up.</param>
public sealed record ClusterTimes(TimeSpan FormAfter, TimeSpan RecallAfter, TimeSpan StableAfter, TimeSpan ContactTimeout, TimeSpan LeaveTimeout)
{
    internal static ClusterTimes From(Config cluster)
    {
        return new ClusterTimes(Time("form-after"), Time("recall-after"), Time("stable-after"), Time("contact-timeout"), Time("leave-timeout"));

        TimeSpan Time(string key) => cluster.GetTimeSpan(key, allowInfinite: false) is { Ticks: > 0 } time
            ? time
            : throw new ConfigurationException($"singa.cluster.{key} is {cluster.GetString(key)}; it must be longer than nothing");
    }
}
