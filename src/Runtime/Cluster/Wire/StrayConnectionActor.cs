using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>
/// Closes connections that the transport has made for somebody who no longer waits for them, as where the other side stood still for a while: the
/// transport itself drops them and leaves them open, also when the other side has gone.
/// </summary>
internal sealed class StrayConnectionActor : ReceiveActor
{
    private static readonly string? Transport = typeof(AssociationHandle).Namespace;

    private readonly ILoggingAdapter log = Context.GetLogger();

    public StrayConnectionActor() => Receive<DeadLetter>(letter => Connection(letter.Message)?.Disassociate("nobody waits for it any more", log));

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));

    // What is around it is the transport's own.
    private static AssociationHandle? Connection(object message) => message.GetType() is { } type && type.Namespace == Transport
        ? message as AssociationHandle
            ?? type.GetProperties().FirstOrDefault(p => typeof(AssociationHandle).IsAssignableFrom(p.PropertyType))?.GetValue(message) as AssociationHandle
        : null;
}
