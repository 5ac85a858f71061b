using System.Collections.Concurrent;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Samples that the submitting host has in its memory, by the name it gave them: what a job that is written down says of them.</summary>
internal sealed record HostData(string Id) : DataSpec
{
    public const string Kind = "host";
}

/// <summary>
/// What hosts of this process lend to their jobs: arrays under names that say what they hold. A node finds here what a job only names.
/// Thread-safe.
/// </summary>
internal sealed class HostDataStore
{
    private readonly ConcurrentDictionary<string, InMemoryData> lent = new();

    /// <summary>Lends arrays until they are taken back; other arrays of the same content, as far as the name tells, get another name.</summary>
    public HostData Lend(string name, InMemoryData data)
    {
        string id = name;
        for (int n = 2; !lent.TryAdd(id, data); n++)
            id = $"{name}-{n}";
        return new HostData(id);
    }

    public void TakeBack(HostData data) => lent.TryRemove(data.Id, out _);

    /// <summary>What is named, where something is.</summary>
    /// <exception cref="JobRefusedException">Nobody here has it.</exception>
    public DataSpec Resolve(DataSpec data) => data is not HostData host ? data
        : lent.GetValueOrDefault(host.Id) ?? throw new JobRefusedException($"the samples {host.Id} are in the memory of the host that submitted the job, and are not here");
}
