using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Runtime.Observing.Profiling;

namespace Singa.Actors.Cli;

/// <summary><c>singa train</c>: a host of its own around one job.</summary>
internal static class TrainCommand
{
    private const string MetricsOption = "--metrics", SaveOption = "--save", LedgerOption = "--ledger", DigestOption = "--digest-every", ProfileOption = "--profile";

    public static async Task RunAsync(string[] words, TextWriter output)
    {
        var arguments = Arguments.Parse(
            words, JobArguments.DevicesOption, JobArguments.ThreadsOption, JobArguments.SetOption, MetricsOption, SaveOption, LedgerOption, DigestOption, ProfileOption);
        long digestEvery = arguments.FindWhole(DigestOption, 0) ?? 0;
        var (metrics, ledger, save) = (arguments.Find(MetricsOption), arguments.Find(LedgerOption), arguments.Find(SaveOption));
        var trace = arguments.Find(ProfileOption);
        var profile = trace is null ? null : new TrainingProfile();
        var job = JobArguments.Read(arguments);

        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        using var records = StepRecords.Open(metrics, ledger);
        if (save is not null)
            OutputFile.Check(save);
        if (trace is not null)
            OutputFile.Check(trace);

        IReadOnlyList<string> closing;
        using var host = Build(job, profile);
        await host.StartAsync(interrupted.Token);
        try
        {
            var options = new TrainingOptions { DigestEvery = digestEvery, KeepLedger = ledger is not null };
            var result = await TrainAsync(host.Services.GetRequiredService<ITraining>(), job, options, records, output, interrupted.Token);
            if (save is not null)
                ModelFile.Save(save, result.Model);
            closing = ClosingLines.Of(result);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
            if (profile is not null)
                WriteProfile(profile, trace!, job, output);
        }

        foreach (var line in closing)
            output.WriteLine(line);

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

    private static async Task<TrainingResult> TrainAsync(
        ITraining training, JobArguments job, TrainingOptions options, StepRecords records, TextWriter output, CancellationToken interrupted)
    {
        var run = await training.SubmitAsync(job.File.Job, options, interrupted);
        await using var cancellation = interrupted.Register(() => _ = run.CancelAsync());
        using (var view = new ConsoleProgress(output, !Console.IsOutputRedirected, TimeProvider.System))
        {
            view.Begin(run.Facts);
            await foreach (var progress in run.Progress)
            {
                records.Write(progress);
                view.Report(progress);
            }
        }

        return await run.Completion;
    }

    private static IHost Build(JobArguments job, TrainingProfile? profile)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        // Signals end the job first and the host after it; the usual lifetime would end both at once.
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

    private sealed class OwnLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
