using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.Extensions.Logging;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Client;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>A process that speaks with a cluster and is no member of it: submits, asks, cancels, through any node that it can reach.</summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private const string Dispatcher = "singa.runtime.dispatcher";

    private readonly ActorSystem system;
    private readonly ClusterSettings settings;
    private readonly ImmutableArray<NodeAddress> contacts;
    private readonly SingaBuilder singa;
    private readonly string host;
    private DataPlane? plane;

    private ClusterClient(ActorSystem system, ClusterSettings settings, ImmutableArray<NodeAddress> contacts, SingaBuilder singa, string host) =>
        (this.system, this.settings, this.contacts, this.singa, this.host) = (system, settings, contacts, singa, host);

    /// <summary>Ready to ask; nobody has been asked yet.</summary>
    /// <param name="singa">For the secret and the times of <c>singa.cluster</c>.</param>
    /// <param name="contacts">Nodes to begin with.</param>
    /// <exception cref="ConfigurationException"/>
    /// <exception cref="NotReachedException">No contact's name means anything, or there is no way to it.</exception>
    public static ClusterClient Create(SingaBuilder singa, ImmutableArray<NodeAddress> contacts, ILoggerFactory loggers)
    {
        var settings = ClusterSettings.From(singa.Config);
        var known = contacts.SelectMany(Names).Distinct().ToImmutableArray();
        if (settings.Trust is null && known.FirstOrDefault(c => !c.IsLoopback) is { Host: not null } far)
        {
            throw new ConfigurationException(
                $"{far} is another machine, and without a secret nodes stay on loopback; set {ClusterSettings.SecretVariable} to that of the cluster");
        }

        string host = Route.LocalAddress(known);
        var system = ClusterAkka.Start("remote", new NodeEndpoint(host, 0), settings.Trust, settings.MaxFrame, singa.Config, loggers, new Refusals());
        return new ClusterClient(system, settings, known, singa, host);
    }

    /// <exception cref="NotReachedException">Nobody has answered within <c>singa.cluster.contact-timeout</c>.</exception>
    public Task<ClusterStatus> StatusAsync(CancellationToken cancellation) => AskAsync<ClusterStatus>(GateProtocol.GetClusterStatus.Instance, cancellation);

    /// <summary>Ends a job; returns whether it is known by then that it has ended.</summary>
    /// <exception cref="NotReachedException"/>
    public async Task CancelAsync(string job, CancellationToken cancellation)
    {
        var contact = Contact();
        do
        {
            contact.Tell(new CoordinatorProtocol.CancelJob(new JobId(job)));
        }
        while ((await StatusAsync(cancellation).ConfigureAwait(false)).Jobs.Any(j => j.Job == job));
    }

    /// <summary>Jobs for the nodes of the cluster; their forms, and data of this process, are fetched from here over its own data plane.</summary>
    /// <exception cref="DataPlaneException">There is no port for that.</exception>
    public ITraining Training()
    {
        plane ??= DataPlane.Start(DataPlaneSettings.From(singa.Config, host, 0), settings.Trust, null, singa.Time);
        var contact = Contact();
        return new TrainingClient(
            system, contact, new ReplicaStore(plane), new JobLibrary(plane, null), RuntimeSettings.From(singa.Config), singa.Open, singa.Time, Dispatcher,
            job => contact.Tell(new ContactActor.Settled(job)));
    }

    public async ValueTask DisposeAsync()
    {
        await system.Terminate().ConfigureAwait(false);
        plane?.Dispose();
    }

    private IActorRef Contact()
    {
        var order = new ContactOrder(contacts, settings.Trust, settings.Times.ContactTimeout, singa.Time, WhyNotAsync);
        return system.ActorOf(Props.Create(() => new ContactActor(order)).WithDispatcher(Dispatcher));
    }

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
            throw new NotReachedException(await WhyNotAsync(contacts).ConfigureAwait(false));
        }
        finally
        {
            system.Stop(request);
        }
    }

    /// <summary>What is the matter with each contact, as far as can be told from here.</summary>
    private async Task<string> WhyNotAsync(IReadOnlyList<NodeAddress> nodes)
    {
        var found = await Task.WhenAll(nodes.Select(async c => (Contact: c, Listens: await Route.ListensAsync(c).ConfigureAwait(false)))).ConfigureAwait(false);
        string secret = settings.Trust is null
            ? $"a node with a secret speaks only with those who have it ({ClusterSettings.SecretVariable})"
            : $"its secret may be another ({ClusterSettings.SecretVariable})";
        string who = string.Join("; ", found.Select(f => f.Listens ? $"{f.Contact} listens but does not answer, {secret}" : $"nobody listens at {f.Contact}"));
        return FormattableString.Invariant($"no node of the cluster has answered for {settings.Times.ContactTimeout.TotalSeconds:0.#} s: {who}");
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
