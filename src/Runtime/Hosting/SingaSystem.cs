using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>Singa within an actor system: its coordinator, its node, and the way to submit jobs to them.</summary>
public sealed class SingaSystem : IExtension
{
    private const string Dispatcher = "singa.runtime.dispatcher";

    private SingaSystem(ITraining training, SingaSettings settings) => (Training, Settings) = (training, settings);

    public ITraining Training { get; }

    public SingaSettings Settings { get; }

    /// <summary>Opens the devices that the system's configuration names, and offers them.</summary>
    /// <param name="singa">What the host has said.</param>
    /// <param name="cluster">Null where the process is by itself.</param>
    internal static SingaSystem Start(ActorSystem system, SingaBuilder singa, ClusterMembership? cluster = null)
    {
        var settings = SingaSettings.From(system.Settings.Config);
        var (open, time, observe) = (singa.Open, singa.Time, singa.Observe);
        var plane = cluster?.Plane;
        var (replicas, library) = (new ReplicaStore(plane), new JobLibrary(plane, cluster?.Settings.DataRoot));
        var coordinator = cluster?.StartCoordinator(system, settings.Runtime, Dispatcher)
            ?? system.ActorOf(Props.Create(() => new CoordinatorActor(settings.Runtime, "", null, _ => Task.FromResult(false))).WithDispatcher(Dispatcher), NodePaths.Coordinator);
        var transport = plane?.Transport ?? new InProcessTransport(time);
        var order = new NodeOrder(
            cluster?.Key ?? new NodeKey("", 0), [.. settings.Devices.Select(d => new NodeDevice(d.Name, DeviceActor.Props(d.Name, () => open(d), settings.Device, observe(d.Name)), plan => Backends.ScratchBytes(d, plan)))],
            CollectiveActor.Props(transport, settings.Collective), transport, plane, replicas, library, settings.Runtime, singa.Regrouping,
            time, Dispatcher);
        system.ActorOf(Props.Create(() => new NodeActor(order, coordinator)).WithDispatcher(Dispatcher), NodePaths.Node);
        cluster?.Open(system, coordinator, time, Dispatcher);
        var training = new TrainingClient(system, coordinator, replicas, library, settings.Runtime, open, time, Dispatcher);
        return (SingaSystem)system.RegisterExtension(new Provider(new SingaSystem(training, settings)));
    }

    /// <exception cref="InvalidOperationException">The host has not been started yet, or has no Singa.</exception>
    public static SingaSystem Of(ActorSystem system) => system.TryGetExtension<SingaSystem>(out var singa)
        ? singa
        : throw new InvalidOperationException("training is ready once the host has started; start it first, with AddSinga or WithSinga among its services");

    private sealed class Provider(SingaSystem singa) : ExtensionIdProvider<SingaSystem>
    {
        public override SingaSystem CreateExtension(ExtendedActorSystem system) => singa;
    }
}
