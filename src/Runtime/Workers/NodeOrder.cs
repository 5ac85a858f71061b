using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Workers;

/// <summary>What a node is started with. <c>Key</c>: its name is empty where there is only one. <c>Plane</c>: null where there is only this process.</summary>
internal sealed record NodeOrder(
    NodeKey Key, ImmutableArray<NodeDevice> Devices, Props Collective, ITransport Transport, IDataPlane? Plane, ReplicaStore Replicas, JobLibrary Library,
    RuntimeSettings Settings, RegroupingTimes Regrouping, TimeProvider Time, string Dispatcher)
{
    public JobNode AsNode(IActorRef node, ImmutableArray<DeviceOffer> offers = default) => new(Key, node, Plane?.Local, offers.IsDefault ? [] : offers);

    public DeviceOffer Offer(string device) => new(Key.Name, device) { Peer = Plane?.Local };
}

/// <summary><c>Actor</c> opens the device when it starts. <c>Scratch</c>: working memory that a plan's kernels ask for on it.</summary>
internal sealed record NodeDevice(string Name, Props Actor, Func<Plan, long> Scratch);
