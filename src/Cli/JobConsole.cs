using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Cli;

/// <summary>A job as commands show it, wherever it is trained: progress, warnings, records, and the closing lines.</summary>
internal static class JobConsole
{
    public static async Task<TrainingResult> TrainAsync(
        ITraining training, TrainingJob job, TrainingOptions options, StepRecords records, TextWriter output, TextWriter errors, CancellationToken interrupted)
    {
        var run = await training.SubmitAsync(job, options, interrupted);
        // What is saved ends where it can go on; the rest ends at once.
        Task<long?>? stopping = null;
        await using var interruption = interrupted.Register(() => _ = options.Checkpoint is null ? run.CancelAsync() : stopping = run.StopAsync());
        foreach (var warning in run.Facts.Warnings.Concat(records.Begin(run.Facts.FirstStep)))
            Warn(warning);
        using (var view = new ConsoleProgress(output, !Console.IsOutputRedirected, TimeProvider.System))
        {
            view.Begin(run.Facts);
            await foreach (var progress in run.Progress)
            {
                records.Write(progress);
                view.Report(progress);
                foreach (var warning in progress.Warnings)
                    Warn(warning);
            }
        }

        if (stopping is not null && await stopping is { } step)
            throw new InterruptedException(FormattableString.Invariant($"interrupted after {step} steps, which are saved in {options.Checkpoint!.Folder}; the same command goes on from there"));
        return await run.Completion;

        void Warn(string warning) => errors.WriteLine($"warning: {warning}");
    }

    /// <exception cref="TrainingFailedException">The model is whole, but its last checkpoint is not there.</exception>
    public static void Close(TrainingResult result, TextWriter output)
    {
        if (result.StoppedEarly)
        {
            output.WriteLine(FormattableString.Invariant(
                $"stopped after {result.Steps} steps, since the held-back loss no longer fell; the model is that of {result.TrainedSteps} steps"));
        }

        foreach (var line in ClosingLines.Of(result))
            output.WriteLine(line);
        if (result.SaveFailure is { } failure)
            throw new TrainingFailedException($"training is done, but the last checkpoint could not be written: {failure}");
    }
}
