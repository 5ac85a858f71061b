using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.Extensions.Logging;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Client;
using Singa.Actors.Runtime.Cluster.Gate;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>A process that speaks with a cluster and is no member of it: submits, asks, cancels, through any node that it can reach.</summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private readonly ActorSystem system;
    private readonly ClusterSettings settings;
    private readonly ImmutableArray<NodeAddress> contacts;
    private readonly Refusals refusals;

    private ClusterClient(ActorSystem system, ClusterSettings settings, ImmutableArray<NodeAddress> contacts, Refusals refusals) =>
        (this.system, this.settings, this.contacts, this.refusals) = (system, settings, contacts, refusals);

    /// <summary>Ready to ask; nobody has been asked yet.</summary>
    /// <param name="config">For the secret and the times of <c>singa.cluster</c>.</param>
    /// <param name="contacts">Nodes to begin with.</param>
    /// <exception cref="ConfigurationException"/>
    /// <exception cref="NotReachedException">No contact's name means anything, or there is no way to it.</exception>
    public static ClusterClient Create(Config? config, ImmutableArray<NodeAddress> contacts, ILoggerFactory loggers)
    {
        var settings = ClusterSettings.From(config);
        var known = contacts.SelectMany(Names).Distinct().ToImmutableArray();
        if (settings.Trust is null && known.FirstOrDefault(c => !c.IsLoopback) is { Host: not null } far)
        {
            throw new ConfigurationException(
                $"{far} is another machine, and without a secret nodes stay on loopback; set {ClusterSettings.SecretVariable} to that of the cluster");
        }

        var refusals = new Refusals();
        var system = ClusterAkka.Start("remote", new NodeEndpoint(Route.LocalAddress(known), 0), settings.Trust, settings.MaxFrame, config ?? Config.Empty, loggers, refusals);
        return new ClusterClient(system, settings, known, refusals);
    }

    /// <exception cref="NotReachedException">Nobody has answered within <c>singa.cluster.contact-timeout</c>.</exception>
    public Task<ClusterStatus> StatusAsync(CancellationToken cancellation) => AskAsync<ClusterStatus>(GateProtocol.GetClusterStatus.Instance, cancellation);

    public async ValueTask DisposeAsync() => await system.Terminate().ConfigureAwait(false);

    private async Task<TAnswer> AskAsync<TAnswer>(object question, CancellationToken cancellation)
        where TAnswer : class
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (trust, asked) = (settings.Trust, contacts);
        var request = system.ActorOf(Props.Create(() => new RequestActor<TAnswer>(asked, trust, question, answer)));
        try
        {
            return await answer.Task.WaitAsync(settings.Times.ContactTimeout, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw await NotReachedAsync().ConfigureAwait(false);
        }
        finally
        {
            system.Stop(request);
        }
    }

    /// <summary>What is the matter with each contact, as far as can be told from here.</summary>
    private async Task<NotReachedException> NotReachedAsync()
    {
        var found = await Task.WhenAll(contacts.Select(async c => (Contact: c, Listens: await Route.ListensAsync(c).ConfigureAwait(false)))).ConfigureAwait(false);
        string secret = settings.Trust is null
            ? $"a node with a secret speaks only with those who have it ({ClusterSettings.SecretVariable})"
            : $"its secret may be another ({ClusterSettings.SecretVariable})";
        string who = string.Join("; ", found.Select(f => f.Listens ? $"{f.Contact} listens but does not answer, {secret}" : $"nobody listens at {f.Contact}"));
        return new NotReachedException(FormattableString.Invariant(
            $"no node of the cluster has answered for {settings.Times.ContactTimeout.TotalSeconds:0.#} s: {who}"));
    }

    /// <summary>A node goes by the one name it was given; whoever asks may know it by another.</summary>
    private static IEnumerable<NodeAddress> Names(NodeAddress contact)
    {
        yield return contact;
        if (IPAddress.TryParse(contact.Host, out _))
            yield break;
        IPAddress[] addresses;
        try
        {
            addresses = Dns.GetHostAddresses(contact.Host, AddressFamily.InterNetwork);
        }
        catch (SocketException)
        {
            throw new NotReachedException($"there is no host {contact.Host}; correct the address");
        }

        foreach (var address in addresses)
            yield return new NodeAddress(address.ToString(), contact.Port);
    }
}
