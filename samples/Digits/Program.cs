using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Samples.Digits;

// Scripts read standard output, so logs go to standard error.
var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(console => console.SingleLine = true);
builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
try
{
    var options = Options.Parse(args);
    builder.Services.AddSinga(singa =>
    {
        singa.WithConfig(Path.Combine(AppContext.BaseDirectory, "hocon", "local.conf"));
        if (options.Devices is not null)
            singa.WithDevices(options.Devices);
        if (options.Threads is { } threads)
            singa.WithThreads(threads);
    });
    using var host = builder.Build();
    await host.StartAsync();
    foreach (var line in await TrainAsync(host, options))
        Console.WriteLine(line);
    return 0;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("interrupted");
    return 130;
}
catch (UsageException wrong)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}
catch (TrainingFailedException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 3;
}
catch (Exception refusal)
{
    Console.Error.WriteLine(refusal.Message.ReplaceLineEndings(" "));
    return 1;
}

static async Task<IReadOnlyList<string>> TrainAsync(IHost host, Options options)
{
    bool isTerminal = !Console.IsOutputRedirected;
    var curve = new LearningCurve();
    var job = options.Job();
    var training = host.Services.GetRequiredService<ITraining>();
    var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    var run = await training.SubmitAsync(job, new TrainingOptions { EvaluateEachEpoch = true }, stopping);
    await using var interrupt = stopping.Register(() => _ = run.CancelAsync());
    using (var view = new ConsoleProgress(Console.Out, isTerminal, TimeProvider.System))
    {
        view.Begin(run.Facts);
        await foreach (var progress in run.Progress)
        {
            view.Report(progress);
            curve.Add(progress);
        }
    }

    var result = await run.Completion;
    using var trained = result.Model;
    if (isTerminal)
    {
        await Pictures.ShowAsync(job, trained);
        curve.Show();
    }

    return ClosingLines.Of(result);
}
