using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Cluster.Client;

/// <summary>
/// One question to whichever gate answers first: asks one contact after the other, round and round, and those that it hears of meanwhile. For
/// questions that may be asked twice.
/// </summary>
internal sealed class RequestActor<TAnswer> : ReceiveActor, IWithTimers
    where TAnswer : class
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(300);

    private readonly ImmutableArray<NodeAddress> contacts;
    private readonly PeerCredentials? trust;
    private readonly object question;
    private int next;

    public RequestActor(ImmutableArray<NodeAddress> contacts, PeerCredentials? trust, object question, TaskCompletionSource<TAnswer> answer)
    {
        (this.contacts, this.trust, this.question) = (contacts, trust, question);
        Receive<TAnswer>(message =>
        {
            answer.TrySetResult(message);
            Context.Stop(Self);
        });
        Receive<Tick>(_ => Ask());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, Pace);

    private void Ask()
    {
        var contact = contacts[next++ % contacts.Length];
        Context.ActorSelection(new RootActorPath(ClusterAkka.Address(contact, trust)) / "user" / NodePaths.Gate).Tell(question);
    }

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }
}
