using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>
/// One job's checkpoints in one folder, <c>step-000001200.safetensors</c> after 1,200 steps: the last two. Whoever dies while writing leaves a
/// file that ends in <c>.tmp</c>, which nobody reads. Files of other names are none of its business.
/// </summary>
/// <remarks>
/// There is no lock: two processes that write the same job's checkpoints write the same bits.
/// </remarks>
public sealed class CheckpointStore
{
    private const string Prefix = "step-", Suffix = ".safetensors", Unfinished = ".tmp";

    private static int writers;

    private readonly string folder;
    private readonly Func<string, Stream> create;
    private string? previous;

    private CheckpointStore(string folder, Func<string, Stream> create) => (this.folder, this.create) = (folder, create);

    /// <summary>Makes the folder where it is missing and clears away what was never finished.</summary>
    /// <param name="create">Opens a new file for writing.</param>
    /// <exception cref="JobRefusedException">Nothing can be written there.</exception>
    public static CheckpointStore Open(string folder, Func<string, Stream>? create = null)
    {
        create ??= path => new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var leftover in Directory.EnumerateFiles(folder, $"{Prefix}*{Unfinished}"))
                File.Delete(leftover);
            string probe = Path.Combine(folder, $"{Prefix}probe.{Environment.ProcessId}{Unfinished}");
            create(probe).Dispose();
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new JobRefusedException($"checkpoints cannot be written to {folder}: {e.Message}", e);
        }

        return new CheckpointStore(folder, create);
    }

    /// <summary>Where to go on: the newest checkpoint that is whole. Null: from the beginning.</summary>
    /// <param name="job">The job that wants to go on.</param>
    /// <param name="totalSteps">How many steps it has.</param>
    /// <param name="recorded">Steps the host has on record; of two checkpoints the one that these reach is taken. Null: it keeps none.</param>
    /// <exception cref="JobRefusedException">What is there belongs to another job, or none of it is whole.</exception>
    public FoundCheckpoint? Find(JobIdentity job, long totalSteps, long? recorded = null)
    {
        var damaged = new List<(string Path, string Reason)>();
        FoundCheckpoint? newest = null;
        foreach (var (path, _) in Files().OrderByDescending(f => f.Step))
        {
            if (newest is not null && (recorded is null || newest.Checkpoint.State.Step <= recorded))
                break;
            try
            {
                var checkpoint = CheckpointFile.Read(path);
                var found = new FoundCheckpoint(checkpoint, path, checkpoint.IsTheEnd(totalSteps), [.. damaged.Select(d => $"checkpoint {d.Path} is damaged ({d.Reason}), using {path}")]);
                Check(found, job, totalSteps);
                // Further back than the records go there is no need to look: what they lack then stays lacking.
                if (newest is null || found.Checkpoint.State.Step <= recorded)
                    newest = found;
            }
            catch (CheckpointDamagedException e)
            {
                if (newest is null)
                    damaged.Add((path, e.Message));
            }
        }

        if (newest is null && damaged.Count > 0)
        {
            throw new JobRefusedException(
                $"no checkpoint in {folder} is whole: {string.Join(", ", damaged.Select(d => $"{d.Path} is damaged ({d.Reason})"))}; "
                + "remove them to train from the beginning, or name another folder");
        }

        previous = newest?.Path;
        return newest;
    }

    /// <summary>Writes beside what is there and puts it in place when it is whole and on the disk; then all but the last two go.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    /// <exception cref="OperationCanceledException">Nothing was put in place.</exception>
    public void Save(Checkpoint checkpoint, CancellationToken cancellation = default)
    {
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{checkpoint.State.Step:D9}{Suffix}"));
        string unfinished = $"{path}.{Environment.ProcessId}-{Interlocked.Increment(ref writers)}{Unfinished}";
        try
        {
            // The folder may have been removed while training went on; without it everything would be lost.
            Directory.CreateDirectory(folder);
            using (var file = create(unfinished))
            {
                CheckpointFile.Write(file, checkpoint, cancellation);
                if (file is FileStream real)
                    real.Flush(flushToDisk: true);
            }

            cancellation.ThrowIfCancellationRequested();
            File.Move(unfinished, path, overwrite: true);
            Durable.Flush(folder);
        }
        catch
        {
            Remove(unfinished);
            throw;
        }

        Prune(path);
    }

    private static void Check(FoundCheckpoint found, JobIdentity job, long totalSteps)
    {
        var (checkpoint, path) = (found.Checkpoint, found.Path);
        if (checkpoint.Job.Difference(job) is { } difference)
            throw new JobRefusedException($"checkpoint {path} belongs to another job: {difference}; name another folder, or remove it to train this one from the beginning");
        if (checkpoint.State.Step < totalSteps || checkpoint.IsTheEnd(totalSteps))
            return;
        throw new JobRefusedException(
            $"checkpoint {path} has {checkpoint.State.Step} steps behind it and this job has {totalSteps} in all; raise epochs or max-steps, or name another folder");
    }

    /// <summary>
    /// Keeps what was written and what was written or gone on from before it; where that is the same file, the one before that. What else there is
    /// comes from further back, or is damaged and would be met first the next time.
    /// </summary>
    private void Prune(string written)
    {
        var files = Files().OrderByDescending(f => f.Step).Select(f => f.Path).ToArray();
        string? before = previous is not null && previous != written ? previous : files.SkipWhile(f => f != written).Skip(1).FirstOrDefault();
        foreach (var path in files.Where(f => f != written && f != before))
            Remove(path);
        previous = written;
    }

    private IEnumerable<(string Path, long Step)> Files() =>
        from path in Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}")
        let name = Path.GetFileName(path)
        // The folder may have been named with a slash at its end; the same file has one path here.
        let step = long.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1
        where step >= 0
        select (Path.Combine(folder, name), step);

    /// <summary>A file that cannot be removed is in nobody's way.</summary>
    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
