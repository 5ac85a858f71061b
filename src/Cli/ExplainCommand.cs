using System.Globalization;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Cli;

/// <summary><c>singa explain</c>: what a job would do, without doing it.</summary>
internal static class ExplainCommand
{
    public static void Run(string[] words, TextWriter output)
    {
        var arguments = JobArguments.Read(
            Arguments.Parse(words, JobArguments.DevicesOption, JobArguments.ThreadsOption, JobArguments.SetOption));
        var job = arguments.File.Job;
        var data = DataLoader.Describe(job.Data);
        var devices = DeviceCatalog.Parse(arguments.Devices, arguments.Threads, Environment.ProcessorCount);
        var plans = JobPlan.Of(job, data, devices.Select(d => d.Name));

        WriteJob(job, data, output);
        WriteDevices(plans, devices, output);
        foreach (var group in plans.Where(p => p.Plan is not null).GroupBy(p => p.Shards.Count))
        {
            var first = group.First();
            string alike = group.Count() == 1 ? "" : $" ({string.Join(", ", group.Skip(1).Select(p => p.Device))} alike)";
            output.WriteLine();
            output.WriteLine($"plan of {first.Device}{alike}");
            PlanText.Write(first.Plan!, output);
        }
    }

    private static void WriteJob(TrainingJob job, DataDescription data, TextWriter output)
    {
        var schedule = JobSchedule.Of(job, data.TrainCount);
        output.WriteLine($"job {job.Name}");
        Line("data", $"{data.TrainCount:N0} samples of {data.Sample}, {data.TestCount:N0} held back, {(data.Classes > 0 ? FormattableString.Invariant($"{data.Classes:N0} classes") : $"labels {data.Label}")}");
        Line("steps", $"{schedule.TotalSteps:N0} of {job.BatchSize:N0} samples, {schedule.StepsPerEpoch:N0} an epoch");
        Line("shards", $"{schedule.Shards}{(job.Shards == 0 ? " (auto)" : "")}");
        Line("model", JobText.Of(job.Model));
        Line("loss", $"{job.Loss.GetType().Name}");
        Line("optimizer", JobText.Of(job.Optimizer));

        void Line(string name, FormattableString text) => output.WriteLine($"  {name,-10}{text.ToString(CultureInfo.InvariantCulture)}");
    }

    private static void WriteDevices(IEnumerable<JobPlan> plans, IEnumerable<DeviceDescription> devices, TextWriter output)
    {
        var threads = devices.ToDictionary(d => d.Name, d => d.Threads);
        var table = new TextTable("device", "threads", "shards", "arena", "live", "gradients and metrics");
        foreach (var (device, shards, plan) in plans)
        {
            string thread = threads[device].ToString(CultureInfo.InvariantCulture);
            if (plan is null)
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
