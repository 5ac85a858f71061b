using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>A job by the name of its form, and peers who have that.</summary>
public sealed record JobRef(string Form, ImmutableArray<PeerId> Sources);

/// <summary>
/// The forms of jobs that this process has to do with, what was read from them, and the samples of a host's memory that they name. Peers fetch all of it
/// over the data plane. Thread-safe.
/// </summary>
/// <param name="plane">Null where there is only this process.</param>
/// <param name="root">The folder that the data of jobs from elsewhere must lie in; null: anywhere.</param>
public sealed class JobLibrary(IDataPlane? plane, string? root)
{
    /// <summary>A form holds the weights of a job that goes on with a model.</summary>
    private const long MostBytes = 1L << 31;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Shelf> shelves = [];

    internal HostDataStore Hosts { get; } = new(plane);

    /// <summary>Keeps a job until <see cref="Release"/>.</summary>
    public JobRef Put(JobForm form, TrainingJob job) => Put(form.Id, job, form.ToBytes());

    /// <summary>One that is not to be written down; only this process can train it.</summary>
    internal JobRef PutDirectly(TrainingJob job) => Put($"direct:{Guid.NewGuid():N}", job, null);

    /// <summary>The job, from here or from whoever has it; kept until <see cref="Release"/>.</summary>
    /// <exception cref="JobRefusedException">Nobody has it, or it is no job.</exception>
    public async Task<TrainingJob> GetAsync(JobRef reference, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (shelves.TryGetValue(reference.Form, out var shelf))
            {
                shelf.Users++;
                return shelf.Job;
            }
        }

        if (plane is null)
            throw new JobRefusedException($"job {reference.Form} is not known in this process");
        var sink = new MemorySink();
        try
        {
            await plane.FetchAsync(reference.Sources, reference.Form, sink, MostBytes, cancellation).ConfigureAwait(false);
        }
        catch (DataPlaneException e)
        {
            throw new JobRefusedException($"the job could not be fetched: {e.Message}", e);
        }

        var job = await Task.Run(() => JobForm.Of(sink.Content).Read(), cancellation).ConfigureAwait(false);
        Put(reference.Form, job, sink.Content.ToArray());
        return job;
    }

    /// <summary>The samples of a job: of files under the root, or of a host's memory.</summary>
    /// <exception cref="JobRefusedException"/>
    internal async Task<Dataset> LoadAsync(TrainingJob job, JobRef reference, CancellationToken cancellation)
    {
        var data = await Hosts.ResolveAsync(job.Data, reference.Sources, cancellation).ConfigureAwait(false);
        return await DataLoader.LoadAsync(root is null ? data : DataRoot.Confine(data, root), job.Seed, cancellation).ConfigureAwait(false);
    }

    public void Release(JobRef reference)
    {
        lock (gate)
        {
            if (!shelves.TryGetValue(reference.Form, out var shelf) || --shelf.Users > 0)
                return;
            shelves.Remove(reference.Form);
        }

        plane?.Withdraw(reference.Form);
    }

    private JobRef Put(string id, TrainingJob job, byte[]? bytes)
    {
        lock (gate)
        {
            if (!shelves.TryGetValue(id, out var shelf))
                shelves.Add(id, shelf = new Shelf(job));
            shelf.Users++;
        }

        if (bytes is not null)
            plane?.Publish(id, Blob.Of(bytes));
        return new JobRef(id, plane is null ? [] : [plane.Local]);
    }

    private sealed class Shelf(TrainingJob job)
    {
        public TrainingJob Job => job;

        public int Users { get; set; }
    }
}
