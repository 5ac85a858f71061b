using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli;

/// <summary>What <c>train</c> and <c>explain</c> have in common: a job file and what is laid over it.</summary>
internal sealed record JobArguments(JobFile File, string? Devices, int? Threads)
{
    public const string DevicesOption = "--devices", ThreadsOption = "--threads", SetOption = "--set";

    /// <exception cref="UsageException"/>
    /// <exception cref="JobRefusedException"/>
    public static JobArguments Read(Arguments arguments)
    {
        string path = arguments.Only("JOB.conf");
        string[] sets = [.. arguments.All(SetOption)];
        if (sets.FirstOrDefault(s => !s.Contains('=')) is { } wrong)
            throw new UsageException($"{SetOption} takes PATH=VALUE, as in job.seed=8, not '{wrong}'");
        var (devices, threads) = (arguments.Find(DevicesOption), (int?)arguments.FindWhole(ThreadsOption, 1));
        return new JobArguments(JobFile.Read(path, sets), devices, threads);
    }
}
