using System.Collections.Concurrent;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples that the submitting host has in its memory, by the name it gave them: what a job that is written down says of them.</summary>
internal sealed record HostData(string Id) : DataSpec
{
    public const string Kind = "host";
}

/// <summary>
/// What hosts of this process lend to their jobs: arrays under names that say what they hold. A node finds here what a job only names, or fetches
/// it from the host. Thread-safe.
/// </summary>
/// <param name="plane">Null where there is only this process.</param>
internal sealed class HostDataStore(IDataPlane? plane)
{
    private const string Prefix = "data/";
    private const long MostBytes = int.MaxValue;

    private readonly ConcurrentDictionary<string, InMemoryData> lent = new();

    /// <summary>Lends arrays until they are taken back; other arrays of the same content, as far as the name tells, get another name.</summary>
    public HostData Lend(string name, InMemoryData data)
    {
        string id = name;
        for (int n = 2; !lent.TryAdd(id, data); n++)
            id = $"{name}-{n}";
        plane?.Publish(Prefix + id, InMemoryFile.Blob(data));
        return new HostData(id);
    }

    public void TakeBack(HostData data)
    {
        if (lent.TryRemove(data.Id, out _))
            plane?.Withdraw(Prefix + data.Id);
    }

    /// <summary>What is named, where something is.</summary>
    /// <exception cref="JobRefusedException">Nobody has it.</exception>
    public async Task<DataSpec> ResolveAsync(DataSpec data, IReadOnlyList<PeerId> sources, CancellationToken cancellation)
    {
        if (data is not HostData host)
            return data;
        if (lent.TryGetValue(host.Id, out var here))
            return here;
        if (plane is null)
            throw new JobRefusedException($"the samples {host.Id} are in the memory of the host that submitted the job, and are not here");
        try
        {
            var sink = new MemorySink();
            await plane.FetchAsync(sources, Prefix + host.Id, sink, MostBytes, cancellation).ConfigureAwait(false);
            return await Task.Run(() => InMemoryFile.Read(sink.Content, host.Id), cancellation).ConfigureAwait(false);
        }
        catch (DataPlaneException e)
        {
            throw new JobRefusedException($"the samples {host.Id} are in the memory of the host that submitted the job and could not be fetched: {e.Message}", e);
        }
    }
}
