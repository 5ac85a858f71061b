using System.Globalization;
using System.Text.Json;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Cli.Onnx;

/// <summary>Runs tests in a process beside this one. If a test ends it, hangs or takes too much memory, that is the test's outcome.</summary>
internal sealed class VerifyProcess(string? dump, int threads, WorkerLimits limits) : IDisposable
{
    private readonly WorkerProcess worker = new(["onnx", VerifyWorker.Command, threads.ToString(CultureInfo.InvariantCulture), .. dump is null ? [] : new[] { dump }], limits);

    public async Task<SuiteOutcome> RunAsync(SuiteTest test)
    {
        var answer = await worker.AskAsync(JsonSerializer.Serialize(test));
        return answer.Line is null ? Failed(answer.Fault) : SuiteOutcome.FromLine(answer.Line) ?? Failed($"said '{answer.Line}', which is no outcome");
    }

    public void Dispose() => worker.Dispose();

    private static SuiteOutcome Failed(string reason) => new(SuiteVerdict.Failed, null, reason);
}
