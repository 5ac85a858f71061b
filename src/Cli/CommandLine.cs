using Akka.Configuration;
using Singa.Actors.Cli.Onnx;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Cli;

/// <summary><c>singa</c>: picks the command, and turns whatever goes wrong into one line and an exit code.</summary>
internal static class CommandLine
{
    private static readonly string[] Commands = ["train", "devices", "explain", "plot", "onnx", "check", "node", "submit", "status", "cancel"];

    public static async Task<int> RunAsync(string[] words, TextWriter output, TextWriter errors)
    {
        try
        {
            if (words is [] or ["help"] || words.Contains("--help") || words.Contains("-h"))
            {
                output.Write(Help.Of(words.FirstOrDefault(Commands.Contains)));
                return words is [] ? ExitCode.Usage : ExitCode.Done;
            }

            switch (words[0])
            {
                case "train":
                    await TrainCommand.RunAsync(words[1..], output, errors);
                    break;
                case "node":
                    await NodeCommand.RunAsync(words[1..], output);
                    break;
                case "submit":
                    await SubmitCommand.RunAsync(words[1..], output, errors);
                    break;
                case "cancel":
                    await CancelCommand.RunAsync(words[1..], output);
                    break;
                case "status":
                    await StatusCommand.RunAsync(words[1..], output);
                    break;
                case "devices":
                    DevicesCommand.Run(words[1..], output);
                    break;
                case "explain":
                    ExplainCommand.Run(words[1..], output);
                    break;
                case "check":
                    return await CheckCommand.RunAsync(words[1..], output);
                case CheckWorker.Command:
                    CheckWorker.Run();
                    break;
                case "onnx":
                    return await OnnxCommand.RunAsync(words[1..], output, errors);
                case "plot":
                    PlotCommand.Run(words[1..], output, errors);
                    break;
                case "--version":
                    output.WriteLine(typeof(CommandLine).Assembly.GetName().Version!.ToString(3));
                    break;
                default:
                    throw new UsageException($"there is no command {words[0]}; did you mean {NearestName.To(words[0], Commands)}?");
            }

            return ExitCode.Done;
        }
        catch (Exception exception)
        {
            var (code, sentence) = Judge(exception);
            errors.WriteLine($"singa: {sentence}");
            if (code == ExitCode.Usage)
                errors.WriteLine("singa --help says what there is");
            return code;
        }
    }

    private static (int Code, string Sentence) Judge(Exception exception) => exception switch
    {
        UsageException => (ExitCode.Usage, exception.Message),
        InterruptedException => (ExitCode.Interrupted, exception.Message),
        OperationCanceledException => (ExitCode.Interrupted, "interrupted"),
        JobRefusedException or GraphException or DeviceNotFoundException or ModelFileException or ConfigurationException =>
            (ExitCode.Refused, OneLine(exception.Message)),
        TrainingFailedException or NotReachedException => (ExitCode.Failed, OneLine(exception.Message)),
        // Nobody can do anything with a stack trace of ours but us: the kind and the place are what a report needs.
        _ => (ExitCode.Failed, $"{OneLine(exception.Message)} ({exception.GetType().Name} in {exception.TargetSite?.DeclaringType?.Name}.{exception.TargetSite?.Name})"),
    };

    private static string OneLine(string message) => string.Join(' ', message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
