namespace Singa.Actors.Runtime.Observing;

/// <summary>Shows a job's progress: one line that is written over in a terminal, plain lines now and then elsewhere.</summary>
public sealed class ConsoleProgress(TextWriter output, bool isTerminal, TimeProvider time) : IDisposable
{
    private const string StartOfLine = "\r", EraseLine = "\u001b[K";

    /// <summary>Often enough to look alive, seldom enough to cost nothing and to keep log files short.</summary>
    private readonly TimeSpan interval = isTerminal ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(2);

    private ProgressText? text;
    private long shown;
    private bool open;

    public void Begin(TrainingFacts facts)
    {
        text = new ProgressText(facts);
        shown = time.GetTimestamp();
        string devices = string.Join(", ", facts.Workers.Select(w => w.Shards.Count == 0 ? $"{w.Device} (stands by)" : $"{w.Device} (shards {w.Shards})"));
        output.WriteLine(FormattableString.Invariant(
            $"{facts.Name}: {facts.TotalSteps} steps of {facts.BatchSize} samples in {facts.Shards} shards on {devices}"));
        if (facts.ResumedFrom is not null)
            output.WriteLine(FormattableString.Invariant($"{(facts.HasEnded ? "ended" : "goes on")} after {facts.FirstStep} steps in {facts.ResumedFrom}"));
    }

    /// <exception cref="InvalidOperationException"><see cref="Begin"/> was not called.</exception>
    public void Report(TrainingProgress progress)
    {
        var lines = text ?? throw new InvalidOperationException("progress begins with the facts of the job");
        lines.Add(progress);
        bool isLast = progress.Step + 1 == progress.TotalSteps;
        if (isLast || time.GetElapsedTime(shown) >= interval)
        {
            shown = time.GetTimestamp();
            Write(lines.Of(progress), keep: !isTerminal);
        }

        if (progress.Test is not null)
            Write(lines.OfTest(progress), keep: true);
    }

    /// <summary>Leaves the last figures on a line of their own.</summary>
    public void Dispose()
    {
        if (open)
            output.WriteLine();
        open = false;
    }

    private void Write(string line, bool keep)
    {
        output.Write(isTerminal ? StartOfLine + line + EraseLine : line);
        if (keep)
            output.WriteLine();
        open = !keep;
        output.Flush();
    }
}
