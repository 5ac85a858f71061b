using System.Text.Json;
using Singa.Actors.Runtime.Checking;

namespace Singa.Actors.Cli;

/// <summary>The other side of <see cref="CheckCommand"/>: a file's name a line in, null or a reason a line out, until there are no more.</summary>
internal static class CheckWorker
{
    public const string Command = "check-worker";

    // Graphs are walked by recursion here and there; deep models must not end the process.
    private const int StackBytes = 64 << 20;

    public static void Run()
    {
        var thread = new Thread(Answer, StackBytes);
        thread.Start();
        thread.Join();
    }

    private static void Answer()
    {
        // Nothing but answers goes to the output.
        var output = Console.Out;
        Console.SetOut(TextWriter.Null);
        while (Console.In.ReadLine() is { } line)
        {
            output.WriteLine(JsonSerializer.Serialize(FileCheck.Refusal(JsonSerializer.Deserialize<string>(line)!)));
            output.Flush();
            GC.Collect();
        }
    }
}
