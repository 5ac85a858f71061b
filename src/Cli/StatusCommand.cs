using System.Globalization;
using System.Text.Json;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Cli;

/// <summary><c>singa status</c>: who is in the cluster, and what it trains.</summary>
internal static class StatusCommand
{
    private const string JsonFlag = "--json";

    public static async Task RunAsync(string[] words, TextWriter output)
    {
        bool json = words.Contains(JsonFlag);
        var arguments = Arguments.Parse(words.Where(w => w != JsonFlag), ClusterArguments.Option, ClusterArguments.ConfigOption);
        if (arguments.Operands is [var operand, ..])
            throw new UsageException($"singa status takes options only, not {operand}");
        await using var client = ClusterArguments.Connect(arguments);
        var status = await client.StatusAsync(CancellationToken.None);
        if (json)
            output.WriteLine(Json(status));
        else
            Write(status, output);
    }

    private static void Write(ClusterStatus status, TextWriter output)
    {
        var members = new TextTable("member", "state", "devices", "data", "refused", "");
        foreach (var member in status.Members)
        {
            members.Add(
                member.Node, member.State, string.Join(", ", member.Devices), member.Data, member.RefusedCount.ToString(CultureInfo.InvariantCulture),
                member.Coordinator ? "coordinator" : "");
        }

        members.Write(output);
        foreach (var job in status.Jobs)
        {
            output.WriteLine();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"job {job.Job} ({job.Name}) {job.State}, generation {job.Generation}, step {job.Step} of {job.TotalSteps}, {job.StepTime.TotalMilliseconds:F0} ms a step"));
            if (job.Note is { } note)
                output.WriteLine($"  {note}");
            if (job.Workers.IsEmpty)
                continue;
            var workers = new TextTable("rank", "worker", "shards", "step ms", "");
            foreach (var worker in job.Workers)
            {
                workers.Add(
                    worker.Rank.ToString(CultureInfo.InvariantCulture), worker.Worker, Shards(worker),
                    worker.StepTime > TimeSpan.Zero ? worker.StepTime.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture) : "", worker.Slow ? "slow" : "");
            }

            workers.Write(output, "  ");
        }

        output.WriteLine();
        foreach (var missing in status.Missing)
            output.WriteLine(missing);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"refused {status.Refused}"));
    }

    private static string Shards(WorkerStatus worker) => string.Create(
        CultureInfo.InvariantCulture, $"{worker.FirstShard}{(worker.ShardCount > 1 ? $"-{worker.FirstShard + worker.ShardCount - 1}" : "")}");

    private static string Json(ClusterStatus status) => JsonSerializer.Serialize(
        new
        {
            cluster = status.Cluster,
            asked = status.Asked,
            members = status.Members.Select(m => new
            {
                node = m.Node, state = m.State, coordinator = m.Coordinator, devices = m.Devices, data = m.Data, refused = m.RefusedCount,
                refused_by_reason = m.Refused.ToDictionary(r => r.Reason, r => r.Count),
            }),
            jobs = status.Jobs.Select(j => new
            {
                job = j.Job, name = j.Name, state = j.State, generation = j.Generation, step = j.Step, total_steps = j.TotalSteps,
                step_ms = Math.Round(j.StepTime.TotalMilliseconds, 3), note = j.Note,
                shards_committed = j.Shards.Committed, shards_computed = j.Shards.Computed, shards_reused = j.Shards.Reused,
                workers = j.Workers.Select(w => new
                {
                    rank = w.Rank, worker = w.Worker, first_shard = w.FirstShard, shards = w.ShardCount, step_ms = Math.Round(w.StepTime.TotalMilliseconds, 3), slow = w.Slow,
                }),
            }),
            missing = status.Missing,
            refused = status.Refused,
        });
}
