using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Cli;

/// <summary>
/// The files that get a line for each step, and a watch that none is missing: a ledger with holes is worse than none. A job that goes on
/// from a checkpoint goes on in its files too: what they have of steps that are taken once more is cut off.
/// </summary>
internal sealed class StepRecords : IDisposable
{
    private readonly RecordFile? metrics, ledger;
    private MetricsWriter? metricsWriter;
    private LedgerWriter? ledgerWriter;
    private long next;

    private StepRecords(string? metrics, string? ledger, bool resumes) =>
        (this.metrics, this.ledger) = (RecordFile.Open(metrics, resumes), RecordFile.Open(ledger, resumes));

    /// <param name="resumes">The job may go on where an earlier run ended: until that is known the files keep what they have.</param>
    public static StepRecords Open(string? metrics, string? ledger, bool resumes) => new(metrics, ledger, resumes);

    /// <summary>Steps that all files have on record; null where none has any to go by.</summary>
    public long? Recorded => Files.Min(f => f.Recorded);

    private IEnumerable<RecordFile> Files => new[] { metrics, ledger }.OfType<RecordFile>();

    /// <summary>The run begins with this step. Returns what its user should know.</summary>
    public string[] Begin(long firstStep)
    {
        next = firstStep;
        string[] warnings = [.. Files.Select(f => f.Begin(firstStep)).OfType<string>()];
        metricsWriter = metrics is null ? null : new MetricsWriter(metrics.Stream);
        ledgerWriter = ledger is null ? null : new LedgerWriter(ledger.Stream);
        return warnings;
    }

    /// <exception cref="TrainingFailedException">Steps were lost on the way here.</exception>
    public void Write(TrainingProgress progress)
    {
        if (metricsWriter is null && ledgerWriter is null)
            return;
        if (progress.Step != next)
        {
            throw new TrainingFailedException(
                $"steps {next} to {progress.Step - 1} are missing in the metrics or ledger: their disk was too slow; write to a faster one or raise singa.runtime.progress-buffer");
        }

        next++;
        metricsWriter?.Write(progress);
        ledgerWriter?.Write(progress);
    }

    public void Dispose()
    {
        metricsWriter?.Dispose();
        ledgerWriter?.Dispose();
        foreach (var file in Files)
            file.Stream.Dispose();
    }
}
