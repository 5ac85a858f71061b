using System.Collections.Concurrent;
using System.Globalization;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Cli.Onnx;

/// <summary><c>singa onnx verify</c>: every test of a suite, in processes beside this one, so that nothing a test does ends the run.</summary>
internal static class VerifyCommand
{
    private const string SuiteOption = "--suite", ReportOption = "--report", DumpOption = "--dump", TimeoutOption = "--timeout", MemoryOption = "--memory", ThreadsOption = "--threads";
    private const int DefaultSeconds = 120, DefaultMebibytes = 4096;

    public static async Task<int> RunAsync(string[] words, TextWriter output, TextWriter errors)
    {
        var arguments = Arguments.Parse(words, SuiteOption, ReportOption, DumpOption, TimeoutOption, MemoryOption, ThreadsOption);
        if (arguments.Operands.Count > 0)
            throw new UsageException($"singa onnx verify takes options only, not {arguments.Operands[0]}");
        string suite = arguments.Find(SuiteOption) ?? throw new UsageException($"{SuiteOption} DIR is missing");
        string report = arguments.Find(ReportOption) ?? throw new UsageException($"{ReportOption} FILE is missing");
        long bytes = (arguments.FindWhole(MemoryOption, 64) ?? DefaultMebibytes) << 20;
        var limits = new WorkerLimits(TimeSpan.FromSeconds(arguments.FindWhole(TimeoutOption, 1) ?? DefaultSeconds), bytes, bytes);
        int threads = (int)(arguments.FindWhole(ThreadsOption, 1) ?? Environment.ProcessorCount);
        string? dump = arguments.Find(DumpOption);
        using var file = OutputFile.Create(report);
        if (dump is not null)
            MakeFolder(dump);

        var tests = Find(suite);
        var outcomes = await RunAsync(tests, dump is null ? null : Path.GetFullPath(dump), limits, Math.Min(threads, tests.Count), errors);
        var rows = tests.Zip(outcomes).Where(r => r.Second.Verdict != SuiteVerdict.Loaded).ToArray();
        using (var writer = new StreamWriter(file))
        {
            writer.Write("kind\ttest\tresult\tworst\treason\n");
            foreach (var (test, outcome) in rows)
                writer.Write($"{test.Kind}\t{test.Name}\t{outcome.ToLine()}\n");
        }

        Summarise(rows, output);
        return rows.Any(r => r.Second.Verdict == SuiteVerdict.Failed) ? ExitCode.Failed : ExitCode.Done;
    }

    private static IReadOnlyList<SuiteTest> Find(string suite)
    {
        try
        {
            if (!Directory.Exists(suite))
                throw new JobRefusedException($"there is no folder {suite}; name the one that has the suite's zips and folders");
            return SuiteDiscovery.Find(suite) is { Count: > 0 } tests ? tests : throw new JobRefusedException($"{suite} has no tests: no zip or folder in it has a model");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new JobRefusedException($"{suite} cannot be read: {e.Message}", e);
        }
    }

    private static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JobRefusedException($"{path} cannot be made: {e.Message}", e);
        }
    }

    private static async Task<SuiteOutcome[]> RunAsync(IReadOnlyList<SuiteTest> tests, string? dump, WorkerLimits limits, int workers, TextWriter errors)
    {
        var outcomes = new SuiteOutcome[tests.Count];
        var waiting = new ConcurrentQueue<int>(Enumerable.Range(0, tests.Count));
        int done = 0;
        var progress = new VerifyProgress(tests.Count, errors);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync()));
        progress.End();
        return outcomes;

        async Task WorkAsync()
        {
            using var process = new VerifyProcess(dump, Math.Max(1, Environment.ProcessorCount / workers), limits);
            while (waiting.TryDequeue(out int next))
            {
                outcomes[next] = await process.RunAsync(tests[next]);
                progress.Report(Interlocked.Increment(ref done), outcomes[next].Verdict);
            }
        }
    }

    private static void Summarise((SuiteTest Test, SuiteOutcome Outcome)[] rows, TextWriter output)
    {
        var table = new TextTable("kind", "passed", "failed", "unsupported");
        foreach (var kind in rows.GroupBy(r => r.Test.Kind))
            Add(kind.Key, kind);
        Add("all", rows);
        table.Write(output);

        void Add(string name, IEnumerable<(SuiteTest, SuiteOutcome Outcome)> of)
        {
            var counts = of.CountBy(r => r.Outcome.Verdict).ToDictionary();
            string Count(SuiteVerdict verdict) => counts.GetValueOrDefault(verdict).ToString(CultureInfo.InvariantCulture);
            table.Add(name, Count(SuiteVerdict.Passed), Count(SuiteVerdict.Failed), Count(SuiteVerdict.Unsupported));
        }
    }
}
