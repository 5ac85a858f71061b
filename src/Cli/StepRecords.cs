using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Cli;

/// <summary>The files that get a line for each step, and a watch that none is missing: a ledger with holes is worse than none.</summary>
internal sealed class StepRecords : IDisposable
{
    private readonly MetricsWriter? metrics;
    private readonly LedgerWriter? ledger;
    private long next;

    private StepRecords(string? metrics, string? ledger)
    {
        this.metrics = metrics is null ? null : new MetricsWriter(OutputFile.Create(metrics));
        this.ledger = ledger is null ? null : new LedgerWriter(OutputFile.Create(ledger));
    }

    public static StepRecords Open(string? metrics, string? ledger) => new(metrics, ledger);

    /// <exception cref="TrainingFailedException">Steps were lost on the way here.</exception>
    public void Write(TrainingProgress progress)
    {
        if (metrics is null && ledger is null)
            return;
        if (progress.Step != next)
        {
            throw new TrainingFailedException(
                $"steps {next} to {progress.Step - 1} are missing in the metrics or ledger: their disk was too slow; write to a faster one or raise singa.runtime.progress-buffer");
        }

        next++;
        metrics?.Write(progress);
        ledger?.Write(progress);
    }

    public void Dispose()
    {
        metrics?.Dispose();
        ledger?.Dispose();
    }
}
