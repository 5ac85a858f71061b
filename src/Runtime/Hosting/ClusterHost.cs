using System.Collections.Immutable;
using System.Net.Sockets;
using Akka.Actor;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Workers;
using Singa.Actors.Runtime.Cluster.Joining;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>
/// A process as a member of a cluster: starts its actor system, starts it anew where the others have let it go, and leaves in order when the host stops.
/// </summary>
public sealed class ClusterHost : IHostedService
{
    private const int AttemptsAtPort = 6;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(500);

    private readonly SingaBuilder singa;
    private readonly ClusterSettings settings;
    private readonly ILoggerFactory loggers;
    private readonly ILogger log;
    private readonly Refusals refusals = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableSortedSet<NodeAddress> members = [];
    private string? cluster;
    private ActorSystem? system;
    private DataPlane? plane;
    private Task life = Task.CompletedTask;
    private TaskCompletionSource<string> left = null!;

    public ClusterHost(SingaBuilder singa, ILoggerFactory loggers)
    {
        (this.singa, this.loggers) = (singa, loggers);
        settings = ClusterSettings.From(singa.Config);
        log = loggers.CreateLogger("singa");
    }

    /// <summary>Where others reach it; known once it has started.</summary>
    public NodeAddress Address { get; private set; }

    /// <summary>Where bulk data reaches it.</summary>
    public PeerId Data => (plane ?? throw new InvalidOperationException("the host has not been started yet")).Local;

    /// <summary>Completes when it is in a cluster for the first time.</summary>
    public Task Joined => joined.Task;

    /// <exception cref="InvalidOperationException">The host has not been started yet.</exception>
    internal ActorSystem System => system ?? throw new InvalidOperationException("training is ready once the host has started; start it first");

    /// <exception cref="JobRefusedException">Its port is taken, or its host is not of this machine.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Begin(new NodeEndpoint(settings.Host, settings.Port), isFirst: true);
        life = LiveAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await life.ConfigureAwait(false);
        if (system is null)
            return;
        await LeaveAsync(system).ConfigureAwait(false);
        joined.TrySetCanceled(CancellationToken.None);
    }

    /// <summary>Begins anew as often as the others let it go.</summary>
    private async Task LiveAsync()
    {
        while (true)
        {
            // Nothing but this host ends the system; if something has, the node is gone from the cluster as well.
            _ = system!.WhenTerminated.ContinueWith(_ => left.TrySetResult("its actor system ended"), TaskScheduler.Default);
            var stop = Task.Delay(Timeout.Infinite, stopping.Token);
            if (await Task.WhenAny(left.Task, stop).ConfigureAwait(false) == stop)
                return;
            log.LogWarning("{Node} begins anew: {Why}", Address, await left.Task.ConfigureAwait(false));
            await EndAsync(system!).ConfigureAwait(false);
            if (!await BeginAgainAsync(Address, stop).ConfigureAwait(false))
                return;
        }
    }

    /// <summary>Its port may be taken meanwhile, by a connection of somebody else's at the least; a node that was given none takes another then.</summary>
    /// <returns>False: the host stops.</returns>
    private async Task<bool> BeginAgainAsync(NodeAddress before, Task stop)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                Begin(new NodeEndpoint(before.Host, settings.Port == 0 && attempt > AttemptsAtPort ? 0 : before.Port), isFirst: false);
                return true;
            }
            catch (Exception exception)
            {
                log.LogWarning("{Node} could not begin anew, and tries again: {Why}", before, exception.Message);
            }

            if (await Task.WhenAny(stop, Task.Delay(BetweenAttempts, singa.Time)).ConfigureAwait(false) == stop)
                return false;
        }
    }

    private void Begin(NodeEndpoint at, bool isFirst)
    {
        left = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Each life has a data plane of its own: what is known of the one before dies with that.
        var opened = OpenPlane();
        ActorSystem started;
        try
        {
            started = ClusterAkka.Start("cluster", at, settings.Trust, settings.MaxFrame, singa.Config, loggers, refusals, PeerRole.Of(opened.Local));
        }
        catch
        {
            opened.Dispose();
            throw;
        }

        var self = ClusterAkka.Node(Akka.Cluster.Cluster.Get(started).SelfAddress);
        Address = self;
        var ended = left;
        var join = new JoinOrder(
            settings.Seeds, [.. members], cluster, isFirst, settings.Times, settings.Trust, new RememberedMembers(settings.StateFolder, self, settings.Port > 0), singa.Time,
            Join, seen => members = seen, why => ended.TrySetResult(why));
        SingaSystem.Start(started, singa, new ClusterMembership(settings, self, new NodeKey(self.ToString(), opened.Local.Incarnation), join, refusals, opened));
        (system, plane) = (started, opened);
    }

    private void Join(string name)
    {
        cluster = name;
        joined.TrySetResult();
    }

    private DataPlane OpenPlane()
    {
        try
        {
            return DataPlane.Start(
                DataPlaneSettings.From(singa.Config, settings.Host, settings.DataPort), settings.Trust, line => log.LogWarning("{Line}", line), singa.Time);
        }
        catch (Exception exception) when (exception is DataPlaneException or SocketException)
        {
            throw new JobRefusedException($"{settings.Host}:{settings.DataPort} cannot be the data port: {exception.Message}; choose another, or 0 for any", exception);
        }
    }

    /// <summary>Tells the others that it goes, so that they need not wait for it.</summary>
    private async Task LeaveAsync(ActorSystem leaving)
    {
        if (Akka.Cluster.Cluster.Get(leaving).IsUp)
        {
            await ReleaseAsync(leaving).ConfigureAwait(false);
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            leaving.ActorOf(Props.Create(() => new LeaveActor(gone)), NodePaths.Leaving);
            if (await Task.WhenAny(gone.Task, Task.Delay(settings.Times.LeaveTimeout)).ConfigureAwait(false) != gone.Task)
                log.LogWarning("{Node} was not let go within {Seconds} s and leaves all the same", Address, settings.Times.LeaveTimeout.TotalSeconds);
        }

        await EndAsync(leaving).ConfigureAwait(false);
    }

    /// <summary>Jobs go on without this node from their next step boundary on, so that nothing is done twice.</summary>
    private async Task ReleaseAsync(ActorSystem leaving)
    {
        try
        {
            await leaving.ActorSelection($"/user/{NodePaths.Node}").Ask<NodeJobProtocol.NodeLeft>(NodeJobProtocol.LeaveNode.Instance, settings.Times.LeaveTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            log.LogWarning("the jobs of {Node} did not let it go within {Seconds} s", Address, settings.Times.LeaveTimeout.TotalSeconds);
        }
    }

    private async Task EndAsync(ActorSystem ending)
    {
        await ending.Terminate().ConfigureAwait(false);
        plane?.Dispose();
    }
}
