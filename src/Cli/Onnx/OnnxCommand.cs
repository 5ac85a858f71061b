using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli.Onnx;

/// <summary><c>singa onnx …</c>: what is done with ONNX files beside training them.</summary>
internal static class OnnxCommand
{
    private static readonly string[] Commands = ["verify"];

    public static async Task<int> RunAsync(string[] words, TextWriter output, TextWriter errors)
    {
        switch (words)
        {
            case ["verify", .. var rest]:
                return await VerifyCommand.RunAsync(rest, output, errors);
            case [VerifyWorker.Command, .. var rest]:
                VerifyWorker.Run(rest);
                return ExitCode.Done;
            case []:
                throw new UsageException($"singa onnx takes one of {string.Join(", ", Commands)}");
            default:
                throw new UsageException($"there is no command onnx {words[0]}; did you mean onnx {NearestName.To(words[0], Commands)}?");
        }
    }
}
