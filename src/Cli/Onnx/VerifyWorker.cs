using System.Globalization;
using System.Text.Json;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Cli.Onnx;

/// <summary>The other side of <see cref="VerifyProcess"/>: a test a line in, an outcome a line out, until there are no more.</summary>
internal static class VerifyWorker
{
    public const string Command = "verify-worker";

    // Graphs are walked by recursion here and there; deep models must not end the process.
    private const int StackBytes = 64 << 20;

    public static void Run(string[] words)
    {
        int threads = int.Parse(words[0], CultureInfo.InvariantCulture);
        string? dump = words.Length > 1 ? words[1] : null;
        var thread = new Thread(() => Run(threads, dump), StackBytes);
        thread.Start();
        thread.Join();
    }

    private static void Run(int threads, string? dump)
    {
        // Nothing but outcomes goes to the output.
        var output = Console.Out;
        Console.SetOut(TextWriter.Null);
        using var backend = Backends.Create(new DeviceDescription("cpu", 0, threads));
        var runner = new SuiteRunner(backend, dump);
        while (Console.In.ReadLine() is { } line)
        {
            output.WriteLine(runner.Run(JsonSerializer.Deserialize<SuiteTest>(line)!).ToLine());
            output.Flush();
        }
    }
}
