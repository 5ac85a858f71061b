using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Runtime.Observing.Profiling;

namespace Singa.Actors.Cli;

/// <summary><c>singa train</c>: a host of its own around one job.</summary>
internal static class TrainCommand
{
    private const string MetricsOption = "--metrics", SaveOption = "--save", LedgerOption = "--ledger", DigestOption = "--digest-every", ProfileOption = "--profile",
        CheckpointOption = "--checkpoint", EveryOption = "--checkpoint-every";

    public static async Task RunAsync(string[] words, TextWriter output, TextWriter errors)
    {
        var arguments = Arguments.Parse(
            words, JobArguments.DevicesOption, JobArguments.ThreadsOption, JobArguments.SetOption, MetricsOption, SaveOption, LedgerOption, DigestOption, ProfileOption,
            CheckpointOption, EveryOption);
        var (digestEvery, every) = (arguments.FindWhole(DigestOption, 0) ?? 0, arguments.FindWhole(EveryOption, 1));
        var (metrics, ledger, save) = (arguments.Find(MetricsOption), arguments.Find(LedgerOption), arguments.Find(SaveOption));
        var trace = arguments.Find(ProfileOption);
        var profile = trace is null ? null : new TrainingProfile();
        var job = JobArguments.Read(arguments);
        var checkpoint = Checkpoint(arguments.Find(CheckpointOption), every, job.File.Options.Checkpoint);

        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        using var records = StepRecords.Open(metrics, ledger, resumes: checkpoint is not null);
        if (save is not null)
            OutputFile.Check(save);
        if (trace is not null)
            OutputFile.Check(trace);

        TrainingResult result;
        using var host = Build(job, profile);
        await host.StartAsync(interrupted.Token);
        try
        {
            var options = job.File.Options with
            {
                DigestEvery = digestEvery, KeepLedger = ledger is not null, Checkpoint = checkpoint, RecordedSteps = records.Recorded,
            };
            foreach (string note in job.File.Notes)
                errors.WriteLine($"note: {note}");
            result = await JobConsole.TrainAsync(host.Services.GetRequiredService<ITraining>(), job.File.Job, options, records, output, errors, interrupted.Token);
            if (save is not null)
                ModelFile.Save(save, result.Model);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
            if (profile is not null)
                WriteProfile(profile, trace!, job, output);
        }

        JobConsole.Close(result, output);

        void Interrupt(PosixSignalContext signal)
        {
            // The first signal ends the job in order; a second one ends the process, as if nobody had listened.
            signal.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        }
    }

    /// <summary>However the job ended: a run that failed is worth looking into as well.</summary>
    private static void WriteProfile(TrainingProfile profile, string path, JobArguments job, TextWriter output)
    {
        using (var file = OutputFile.Create(path))
            ChromeTrace.Write(profile, job.File.Job.Name, file);
        ProfileText.Write(ProfileSummary.Of(profile), output);
    }

    /// <summary>Where the job is saved: what the command line says, and the job's file where it says nothing.</summary>
    /// <exception cref="UsageException">There is a distance and no folder.</exception>
    private static CheckpointOptions? Checkpoint(string? folder, long? every, CheckpointOptions? written)
    {
        var options = folder is null ? written : new CheckpointOptions(folder) { Every = written?.Every ?? 0 };
        if (every is null)
            return options;
        return options is null ? throw new UsageException($"{EveryOption} needs {CheckpointOption} DIR") : options with { Every = every.Value };
    }

    private static IHost Build(JobArguments job, TrainingProfile? profile)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSingleton<IHostLifetime, OwnLifetime>();
        builder.Services.AddSinga(singa =>
        {
            singa.WithHocon(job.File.HostConfig);
            if (job.Devices is not null)
                singa.WithDevices(job.Devices);
            if (job.Threads is { } threads)
                singa.WithThreads(threads);
            if (profile is not null)
                singa.WithProfile(profile);
        });
        return builder.Build();
    }
}
