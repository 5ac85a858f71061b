using System.Globalization;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Microsoft.Extensions.Logging;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Watching;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>Starts actor systems that speak with other processes, members or not.</summary>
internal static class ClusterAkka
{
    /// <summary>The same in all processes: it is a part of every address.</summary>
    public const string SystemName = "singa";

    /// <param name="provider"><c>cluster</c> for a member, <c>remote</c> for a command.</param>
    /// <param name="config">What the host says; below what is decided here, above the defaults.</param>
    /// <param name="roles">What members hear of this one when it joins.</param>
    /// <exception cref="JobRefusedException">The port is taken, or the host is not of this machine.</exception>
    public static ActorSystem Start(
        string provider, NodeEndpoint at, PeerCredentials? trust, int maxFrame, Config config, ILoggerFactory loggers, Refusals refusals, params IEnumerable<string> roles)
    {
        var hocon = ConfigurationFactory.ParseString(string.Create(CultureInfo.InvariantCulture, $$"""
            akka {
              actor {
                provider = {{provider}}
                serializers {
                  singa = "{{Name<SingaSerializer>()}}"
                  json = "{{Name<RefusedJson>()}}"
                  proto = "{{Name<RefusedProtobuf>()}}"
                  daemon-create = "{{Name<RefusedDeployment>()}}"
                  reliable-delivery = "{{Name<RefusedDelivery>()}}"
                }
                serialization-bindings {
                  {{string.Join("\n", MessageTable.All.Select(m => $"\"{m.Type.FullName}, {m.Type.Assembly.GetName().Name}\" = singa"))}}
                }
              }
              loggers = ["{{Name<ClusterLogActor>()}}"]
              stdout-logger-class = "{{Name<SilentLogger>()}}"
              remote.dot-netty.tcp {
                hostname = "{{at.Host}}"
                public-hostname = "{{at.Host}}"
                port = {{at.Port}}
                enable-ssl = {{(trust is null ? "off" : "on")}}
                maximum-frame-size = {{maxFrame}}b
                send-buffer-size = {{2 * maxFrame}}b
                receive-buffer-size = {{2 * maxFrame}}b
              }
              coordinated-shutdown {
                terminate-actor-system = off
                run-by-actor-system-terminate = off
              }
              cluster {
                downing-provider-class = "{{Name<WatchedDowning>()}}"
                failure-detector.implementation-class = "{{Name<ToldFailureDetector>()}}"
                seed-nodes = []
                roles = [{{string.Join(", ", roles.Select(r => $"\"{r}\""))}}]
              }
            }
            """));
        var setup = ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(hocon.WithFallback(SingaConfig.WithReference(config))),
            new ClusterLogSetup(loggers, refusals));
        if (trust is not null)
        {
            setup = setup.And(new DotNettySslSetup(
                trust.Certificate, suppressValidation: false, requireMutualAuthentication: true, (shown, _, _, _, _) => shown is not null && trust.Accepts(shown)));
        }

        try
        {
            var system = ActorSystem.Create(SystemName, setup);
            // The transport ends the whole system where one outbound handshake fails, as any stranger on a node's old port could make it, or a node
            // that dies in the middle. The system is shut down in order once only, so the order is spent here on nothing.
            CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.UnknownReason.Instance, CoordinatedShutdown.PhaseActorSystemTerminate);
            system.ActorOf(Props.Create<StrayConnectionActor>(), "stray-connections");
            return system;
        }
        catch (Exception exception) when (Cause(exception) is { } cause)
        {
            throw new JobRefusedException($"{at.Host}:{at.Port} cannot be listened at: {cause.Message}; choose another host or port, or port 0 for any", exception);
        }
    }

    /// <summary>What the transport's own exceptions wrap, each in the next.</summary>
    private static SocketException? Cause(Exception? exception) => exception switch
    {
        null => null,
        SocketException found => found,
        AggregateException many => many.InnerExceptions.Select(Cause).FirstOrDefault(c => c is not null),
        _ => Cause(exception.InnerException),
    };

    private static string Name<T>() => $"{typeof(T).FullName}, {typeof(T).Assembly.GetName().Name}";

    public static Address Address(NodeAddress node, PeerCredentials? trust) => new(trust is null ? "akka.tcp" : "akka.ssl.tcp", SystemName, node.Host, node.Port);

    public static NodeAddress Node(Address address) => new(address.Host!, address.Port!.Value);
}

/// <summary>Where to listen: <c>Port</c> 0 is any.</summary>
internal readonly record struct NodeEndpoint(string Host, int Port);
