using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Runtime.Cluster;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>The worker processes of this program. None is left when it ends.</summary>
internal sealed class WorkerNodes : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("singa-multinode-");
    private readonly Lock gate = new();
    private ImmutableList<WorkerNode> living = [];
    private int started;
    private bool ended;

    public WorkerNodes() => AppDomain.CurrentDomain.ProcessExit += KillAll;

    /// <summary>In the order in which they were started.</summary>
    public ImmutableList<WorkerNode> Living => Volatile.Read(ref living);

    public int Killed { get; private set; }

    public IEnumerable<NodeAddress> Addresses => Living.Select(n => n.Address).OfType<NodeAddress>();

    /// <param name="others">Nodes beside these to ask for the cluster.</param>
    public WorkerNode Start(params IEnumerable<NodeAddress> others)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            string name = string.Create(CultureInfo.InvariantCulture, $"worker {++started}");
            var node = WorkerNode.Start(name, Path.Combine(folder.FullName, name.Replace(' ', '-')), [.. Addresses, .. others]);
            living = living.Add(node);
            return node;
        }
    }

    public async Task KillAsync(WorkerNode node)
    {
        lock (gate)
            living = living.Remove(node);
        node.Kill();
        await node.ExitAsync(CancellationToken.None);
        Killed++;
        node.Dispose();
    }

    /// <summary>Those that ended though nobody killed them; each is told of once.</summary>
    public ImmutableList<WorkerNode> TakeEnded()
    {
        lock (gate)
        {
            var ended = living.FindAll(n => n.HasExited);
            living = living.RemoveRange(ended);
            return ended;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
            ended = true;
        foreach (var node in Living)
            node.Close();
        using var patience = new CancellationTokenSource(Patience);
        foreach (var node in Living)
            await node.ExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        AppDomain.CurrentDomain.ProcessExit -= KillAll;
        foreach (var node in Living)
            node.Dispose();
        folder.Delete(recursive: true);
    }

    private void KillAll(object? sender, EventArgs e)
    {
        foreach (var node in Living)
            node.Kill();
    }
}
