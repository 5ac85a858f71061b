using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Event;
using Akka.Serialization;
using Hyperion;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>
/// Writes and reads the messages of <see cref="MessageTable"/>, and nothing else. What arrives chooses among these types by a short name; all that they are
/// made of is known beforehand by a number, so no name of a type is ever read.
/// </summary>
internal sealed class SingaSerializer : SerializerWithStringManifest
{
    public const string Refused = "message";

    private static readonly Lazy<Type[]> Known = new(() => [.. WireTypes.Of(MessageTable.All.Select(m => m.Type))]);

    private readonly Hyperion.Serializer hyperion;
    private readonly Refusals? refusals;
    private readonly ILoggingAdapter log;
    private readonly int most;

    public SingaSerializer(ExtendedActorSystem system)
        : base(system)
    {
        log = Logging.GetLogger(system, this);
        refusals = system.Settings.Setup.Get<ClusterLogSetup>().Select(s => s.Refusals).GetOrElse(null!);
        most = (int)(system.Settings.Config.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size") ?? 1 << 20);
        hyperion = new Hyperion.Serializer(SerializerOptions.Default
            .WithPreserveObjectReferences(false).WithVersionTolerance(false).WithDisallowUnsafeType(true)
            .WithKnownTypes(Known.Value).WithTypeFilter(NoNames.Instance)
            .WithSurrogates([Surrogate.Create<IActorRef, WireRef>(ToWire, FromWire)]));
    }

    public override int Identifier => 7301;

    public override string Manifest(object o) => MessageTable.Manifests.TryGetValue(o.GetType(), out string? manifest)
        ? manifest
        : throw new SerializationException($"{o.GetType()} has no manifest, so it stays in its process");

    public override byte[] ToBinary(object obj)
    {
        using var stream = new MemoryStream();
        hyperion.Serialize(obj, stream);
        return stream.Length < most
            ? stream.ToArray()
            : throw new SerializationException($"{obj.GetType().Name} takes {stream.Length} bytes, more than the {most} of singa.cluster.max-frame; bulk data does not travel as messages");
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!MessageTable.Types.TryGetValue(manifest, out var type))
            throw Refuse($"there is no manifest '{(manifest.Length > 16 ? manifest[..16] : manifest)}'");
        object message;
        try
        {
            using var stream = new MemoryStream(bytes, writable: false);
            message = hyperion.Deserialize<object>(stream);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            throw Refuse($"a {type.Name} cannot be read: {exception.GetType().Name}");
        }

        return message.GetType() == type ? message : throw Refuse($"a {message.GetType().Name} came as {type.Name}");
    }

    private SerializationException Refuse(string reason)
    {
        if (refusals is not null && refusals.Count(Refused) is var count && Refusals.IsWorthALine(count))
            log.Warning("a message was refused ({0} so far): {1}", count, reason);
        return new SerializationException(reason);
    }

    private static WireRef ToWire(IActorRef actor) => new(actor.IsNobody() ? "" : Akka.Serialization.Serialization.SerializedActorPath(actor));

    private IActorRef FromWire(WireRef wire) => wire.Path.Length == 0 ? ActorRefs.Nobody : system.Provider.ResolveActorRef(wire.Path);

    /// <summary>All types go by numbers; whoever sends a name wants one that is not in the table.</summary>
    private sealed class NoNames : ITypeFilter
    {
        public static readonly NoNames Instance = new();

        public bool IsAllowed(string typeName) => false;
    }
}
