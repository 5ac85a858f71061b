using System.Collections.Frozen;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Event;
using Akka.Serialization;
using Hyperion;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>
/// Writes and reads the messages of <see cref="MessageTable"/>, and nothing else. What arrives chooses among these types by a short name; within a message
/// types go by numbers, or by names of the closed set that <see cref="WireTypes"/> finds: no other type is ever looked for, let alone constructed.
/// Hyperion compiles code for every type it is given, which would be most of what a node computes when it starts: each message has a Hyperion of its
/// own, with the types that it can be made of, when it is first met.
/// </summary>
internal sealed class SingaSerializer : SerializerWithStringManifest
{
    public const string Refused = "message";

    /// <summary>Where each stands in the table. Numbers within messages mean something else in each: they say whose they are.</summary>
    private static readonly FrozenDictionary<Type, byte> Numbers = MessageTable.All.Index().ToFrozenDictionary(m => m.Item.Type, m => checked((byte)m.Index));

    private readonly FrozenDictionary<Type, Lazy<Hyperion.Serializer>> hyperions;
    private readonly Refusals? refusals;
    private readonly Lazy<ILoggingAdapter> log;
    private readonly int most;

    public SingaSerializer(ExtendedActorSystem system)
        : base(system)
    {
        // The system is not complete yet when it makes its serializers.
        log = new Lazy<ILoggingAdapter>(() => Logging.GetLogger(system, typeof(SingaSerializer)));
        refusals = system.Settings.Setup.Get<ClusterLogSetup>().Select(s => s.Refusals).GetOrElse(null!);
        most = (int)(system.Settings.Config.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size") ?? 1 << 20);
        hyperions = MessageTable.All.ToFrozenDictionary(m => m.Type, m => new Lazy<Hyperion.Serializer>(() => For(m.Type)));
    }

    public override int Identifier => 7301;

    /// <summary>Compiles what is needed for these messages before they are in a hurry. Where messages stay in their process there is nothing to do.</summary>
    public static void Prepare(Serialization serialization, IEnumerable<Type> messages)
    {
        foreach (var message in messages)
            _ = (serialization.FindSerializerForType(message) as SingaSerializer)?.hyperions[message].Value;
    }

    public override string Manifest(object o) => MessageTable.Manifests.TryGetValue(o.GetType(), out string? manifest)
        ? manifest
        : throw new SerializationException($"{o.GetType()} has no manifest, so it stays in its process");

    public override byte[] ToBinary(object obj)
    {
        using var stream = new MemoryStream();
        stream.WriteByte(Numbers[obj.GetType()]);
        hyperions[obj.GetType()].Value.Serialize(obj, stream);
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
            if (stream.ReadByte() != Numbers[type])
                throw new SerializationException("it was written as another message");
            message = hyperions[type].Value.Deserialize<object>(stream);
        }
        // Whatever bytes that mean nothing can lead to, a length beyond all memory included.
        catch (Exception exception)
        {
            throw Refuse($"a {type.Name} cannot be read: {exception.Message}");
        }

        return message.GetType() == type ? message : throw Refuse($"a {message.GetType().Name} came as {type.Name}");
    }

    private Hyperion.Serializer For(Type message)
    {
        var types = WireTypes.Of([message]);
        return new Hyperion.Serializer(SerializerOptions.Default
            .WithPreserveObjectReferences(false).WithVersionTolerance(false).WithDisallowUnsafeType(true)
            // Stand-ins would no longer be turned back if they had a number.
            .WithKnownTypes(types.Where(t => !WireTypes.IsStandIn(t))).WithTypeFilter(new TheseOnly(types))
            .WithSurrogates([
                Surrogate.Create<IActorRef, WireRef>(ToWire, FromWire),
                Surrogate.Create<Vocabulary, WireVocabulary>(v => new WireVocabulary(v.Tokens, v.Characters), v => new Vocabulary(v.Tokens, v.Characters)),
                .. WireTypes.Arrays(types),
            ]));
    }

    private SerializationException Refuse(string reason)
    {
        if (refusals is not null && refusals.Count(Refused) is var count && Refusals.IsWorthALine(count))
            log.Value.Warning("a message was refused ({0} so far): {1}", count, reason);
        return new SerializationException(reason);
    }

    private static WireRef ToWire(IActorRef actor) => new(actor.IsNobody() ? "" : Akka.Serialization.Serialization.SerializedActorPath(actor));

    private IActorRef FromWire(WireRef wire) => wire.Path.Length == 0 ? ActorRefs.Nobody : system.Provider.ResolveActorRef(wire.Path);

    /// <summary>A name that is not of the set is refused before anybody looks for the type.</summary>
    private sealed class TheseOnly(IReadOnlyCollection<Type> types) : ITypeFilter
    {
        /// <summary>As it is asked for when writing, and as it stands on the wire.</summary>
        private readonly HashSet<string> names = [
            .. types.Select(t => t.AssemblyQualifiedName!), .. types.Aggregate(TypeFilterBuilder.Create(), (filter, type) => filter.Include(type)).Build().FilteredTypes];

        public bool IsAllowed(string typeName) => names.Contains(typeName);
    }
}
