using System.Collections.Concurrent;
using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// Replicas a node keeps for whoever asks under their name: messages carry names, the bytes stay off the mailboxes. Those that were
/// trained are handed over once; those that workers begin with serve all of them until they are forgotten. Peers fetch either over
/// the data plane. Thread-safe.
/// </summary>
/// <param name="plane">Null where there is only this process.</param>
public sealed class ReplicaStore(IDataPlane? plane = null)
{
    private const string Prefix = "replica/";

    /// <summary>Far more than any replica of our days; somebody out of his mind is refused all the same.</summary>
    private const long MostBytes = 1L << 31;

    private readonly ConcurrentDictionary<ReplicaId, TrainedReplica> kept = new();
    private readonly ConcurrentDictionary<ReplicaId, JobState> states = new();

    /// <summary>Keeps it under a name that says what it is.</summary>
    public ReplicaId Keep(JobId job, string digest, TrainedReplica replica)
    {
        var id = new ReplicaId($"{job}/{digest}");
        kept[id] = replica;
        Publish(id, new JobState(0, replica.Replica));
        return id;
    }

    public ReplicaId Keep(JobId job, JobState state)
    {
        var id = new ReplicaId($"{job}/step {state.Step}/{state.Replica.Digest}");
        states[id] = state;
        Publish(id, state);
        return id;
    }

    public JobState? Find(ReplicaId id) => states.GetValueOrDefault(id);

    public void Forget(ReplicaId id)
    {
        if (states.TryRemove(id, out _) | kept.TryRemove(id, out _))
            plane?.Withdraw(Prefix + id);
    }

    /// <summary>Hands a replica over; it is not kept any longer. Null where it is kept elsewhere.</summary>
    public TrainedReplica? Take(ReplicaId id)
    {
        if (!kept.TryRemove(id, out var replica))
            return null;
        plane?.Withdraw(Prefix + id);
        return replica;
    }

    /// <summary>Brings a state from a peer, and keeps it here under its name.</summary>
    /// <exception cref="DataPlaneException">Nobody has it.</exception>
    /// <exception cref="CheckpointDamagedException">It is not what its name says.</exception>
    internal async Task<JobState> FetchAsync(JobId job, ReplicaId id, IReadOnlyList<PeerId> sources, CancellationToken cancellation)
    {
        var state = await FetchAsync(id, sources, cancellation).ConfigureAwait(false);
        if (Keep(job, state) is var found && found != id)
        {
            Forget(found);
            throw new CheckpointDamagedException($"what was fetched as {id} is {found}");
        }

        return state;
    }

    /// <summary>Brings trained values from a peer.</summary>
    /// <inheritdoc cref="FetchAsync(JobId, ReplicaId, IReadOnlyList{PeerId}, CancellationToken)"/>
    internal async Task<Replica> FetchTrainedAsync(ReplicaId id, IReadOnlyList<PeerId> sources, CancellationToken cancellation) =>
        (await FetchAsync(id, sources, cancellation).ConfigureAwait(false)).Replica;

    private async Task<JobState> FetchAsync(ReplicaId id, IReadOnlyList<PeerId> sources, CancellationToken cancellation)
    {
        if (plane is null)
            throw new DataPlaneException($"{id} is not kept in this process, and it has no data plane to fetch it over");
        var sink = new MemorySink();
        await plane.FetchAsync(sources, Prefix + id, sink, MostBytes, cancellation).ConfigureAwait(false);
        return await Task.Run(() => CheckpointFile.Parse(sink.Content, id.Value).State, cancellation).ConfigureAwait(false);
    }

    private void Publish(ReplicaId id, JobState state) => plane?.Publish(
        Prefix + id, CheckpointFile.Blob(new Checkpoint(new JobIdentity(ImmutableSortedDictionary<string, string>.Empty), Generation.First, state, default)));
}
