using System.Globalization;
using Singa.Actors.Cli.Explaining;
using Singa.Actors.Devices;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Cli;

/// <summary><c>singa explain</c>: what a job would do, without doing it.</summary>
internal static class ExplainCommand
{
    private const string HtmlOption = "--html";

    public static void Run(string[] words, TextWriter output)
    {
        var parsed = Arguments.Parse(words, JobArguments.DevicesOption, JobArguments.ThreadsOption, JobArguments.SetOption, HtmlOption);
        var page = parsed.Find(HtmlOption);
        var arguments = JobArguments.Read(parsed);
        if (page is not null)
            OutputFile.Check(page);
        var job = arguments.File.Job;
        var data = DataLoader.Describe(job.Data);
        var devices = DeviceCatalog.Parse(arguments.Devices, arguments.Threads, Environment.ProcessorCount);
        var plans = JobPlan.Of(job, data, devices, RuntimeSettings.Parse(arguments.File.HostConfig));

        var facts = Facts(job, data);
        output.WriteLine($"job {job.Name}");
        foreach (var (name, text) in facts)
            output.WriteLine($"  {name,-10}{text}");
        WriteDevices(plans, devices, output);
        MemoryText.WriteCosts(plans, job.MemoryBudget, output);
        var distinct = plans.Where(p => p.Worker is not null).GroupBy(p => p.Shards.Count).Select(g => (Devices: Names(g), g.First().Worker!.Plan)).ToArray();
        foreach (var (names, plan) in distinct)
        {
            output.WriteLine();
            output.WriteLine($"plan of {names}");
            PlanText.Write(plan, output);
        }

        if (page is null)
            return;
        using (var file = new StreamWriter(OutputFile.Create(page)))
            PlanPage.Write(job.Name, facts, distinct, file);
        output.WriteLine();
        output.WriteLine($"page {page}");
    }

    private static string Names(IEnumerable<JobPlan> alike) => alike.Select(p => p.Device).ToArray() switch
    {
        [var one] => one,
        [var first, .. var others] => $"{first} ({string.Join(", ", others)} alike)",
        _ => "",
    };

    private static Fact[] Facts(TrainingJob job, DataDescription data)
    {
        var schedule = JobSchedule.Of(job, data.TrainCount);
        string labels = data.Classes > 0 ? Line($"{data.Classes:N0} classes") : $"labels {data.Label}";
        return
        [
            new("data", Line($"{data.TrainCount:N0} samples of {data.Sample}, {data.TestCount:N0} held back, {labels}")),
            new("steps", Line($"{schedule.TotalSteps:N0} of {job.BatchSize:N0} samples, {schedule.StepsPerEpoch:N0} an epoch")),
            new("shards", Line($"{schedule.Shards}{(job.Shards == 0 ? " (auto)" : "")}")),
            new("model", Line(JobText.Of(job.Model))),
            new("loss", job.Loss.GetType().Name),
            new("optimizer", Line(JobText.Of(job.Optimizer))),
        ];

        static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    private static void WriteDevices(IEnumerable<JobPlan> plans, IEnumerable<DeviceDescription> devices, TextWriter output)
    {
        var threads = devices.ToDictionary(d => d.Name, d => d.Threads);
        var table = new TextTable("device", "threads", "shards", "arena", "live", "gradients and metrics");
        foreach (var (device, shards, worker) in plans)
        {
            string thread = threads[device].ToString(CultureInfo.InvariantCulture);
            if (worker?.Plan is not { } plan)
                table.Add(device, thread, "stands by", "", "", "");
            else
                table.Add(
                    device, thread, shards.ToString(), TextTable.Bytes(plan.Plan.ArenaBytes), TextTable.Bytes(plan.Plan.LiveBytes),
                    $"{plan.Buckets.Length} buckets");
        }

        output.WriteLine();
        table.Write(output);
    }
}
