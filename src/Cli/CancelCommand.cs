namespace Singa.Actors.Cli;

/// <summary><c>singa cancel</c>: ends a job of a cluster, whoever submitted it.</summary>
internal static class CancelCommand
{
    public static async Task RunAsync(string[] words, TextWriter output)
    {
        var arguments = Arguments.Parse(words, ClusterArguments.Option, ClusterArguments.ConfigOption);
        if (arguments.Operands.Count > 1)
            throw new UsageException($"one JOB is enough, not {arguments.Operands.Count}: {string.Join(' ', arguments.Operands)}");
        await using var client = ClusterArguments.Connect(arguments);
        string[] jobs = [.. (await client.StatusAsync(CancellationToken.None)).Jobs.Select(j => j.Job)];
        string there = jobs.Length == 0 ? "the cluster has no job" : $"there are {string.Join(", ", jobs)}";
        string job = arguments.Operands switch
        {
            [var named] when jobs.Contains(named) => named,
            [var named] => throw new Runtime.Jobs.JobRefusedException($"there is no job {named}; {there}"),
            _ when jobs is [var only] => only,
            _ when jobs.Length == 0 => throw new Runtime.Jobs.JobRefusedException(there),
            _ => throw new UsageException($"JOB is missing: {there}"),
        };
        await client.CancelAsync(job, CancellationToken.None);
        output.WriteLine($"{job} is cancelled");
    }
}
