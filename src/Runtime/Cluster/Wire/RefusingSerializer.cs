using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>
/// Stands in for serializers of the actor system that let bytes choose a type to construct, under their numbers: neither reads nor writes.
/// </summary>
internal abstract class RefusingSerializer(ExtendedActorSystem system, int identifier) : Serializer(system)
{
    public override int Identifier => identifier;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => throw new SerializationException($"{obj.GetType()} has no manifest, so it stays in its process");

    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException($"messages of serializer {identifier} are refused");
}

/// <summary>In place of JSON, which would construct what it is told to.</summary>
internal sealed class RefusedJson : RefusingSerializer
{
    public RefusedJson(ExtendedActorSystem system)
        : base(system, 1)
    {
    }

    /// <summary>The system has settings for the one it would have had.</summary>
    public RefusedJson(ExtendedActorSystem system, Config settings)
        : this(system) => _ = settings;
}

/// <summary>In place of any Protobuf message by the name of its type; the cluster's own have another serializer.</summary>
internal sealed class RefusedProtobuf(ExtendedActorSystem system) : RefusingSerializer(system, 2);

/// <summary>In place of orders to create an actor of any type: nobody deploys here from afar.</summary>
internal sealed class RefusedDeployment(ExtendedActorSystem system) : RefusingSerializer(system, 3);

/// <summary>In place of a protocol that is not used.</summary>
internal sealed class RefusedDelivery(ExtendedActorSystem system) : RefusingSerializer(system, 36);
