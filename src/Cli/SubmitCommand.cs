using System.Runtime.InteropServices;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Cli;

/// <summary><c>singa submit</c>: a job for the nodes of a cluster, seen from here until it is done.</summary>
internal static class SubmitCommand
{
    private const string MetricsOption = "--metrics", SaveOption = "--save", LedgerOption = "--ledger";

    public static async Task RunAsync(string[] words, TextWriter output, TextWriter errors)
    {
        var arguments = Arguments.Parse(
            words, ClusterArguments.Option, ClusterArguments.ConfigOption, JobArguments.SetOption, MetricsOption, SaveOption, LedgerOption);
        var (metrics, ledger, save) = (arguments.Find(MetricsOption), arguments.Find(LedgerOption), arguments.Find(SaveOption));
        _ = ClusterArguments.Read(arguments);
        var job = JobArguments.Read(arguments).File;

        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        using var records = StepRecords.Open(metrics, ledger, resumes: job.Options.Checkpoint is not null);
        if (save is not null)
            OutputFile.Check(save);

        TrainingResult result;
        await using (var client = ClusterArguments.Connect(arguments, job.HostConfig))
        {
            var options = job.Options with { KeepLedger = ledger is not null, RecordedSteps = records.Recorded };
            result = await JobConsole.TrainAsync(client.Training(), job.Job, options, records, output, errors, interrupted.Token);
            if (save is not null)
                ModelFile.Save(save, result.Model);
        }

        JobConsole.Close(result, output);

        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        }
    }
}
