using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>
/// All of a job that its weights depend on, part by part as text: equal parts, equal weights after equally many steps. Names and paths are
/// not among them; neither is the number of steps, unless something depends on it: then a job can be made longer.
/// </summary>
public sealed record JobIdentity(ImmutableSortedDictionary<string, string> Parts)
{
    private const int ExcerptMax = 60;

    public static JobIdentity Of(TrainingJob job, Dataset data, JobSchedule schedule)
    {
        // Numbers in the texts of records are written as the thread's culture has it, and the same job may be submitted by another host.
        var culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            var described = data.Description;
            var parts = new Dictionary<string, string>
            {
                ["model"] = $"{job.Model}",
                ["data"] = $"{described.TrainCount} samples of {described.Sample}, {described.TestCount} held back, {described.Classes} classes, {DataFingerprint.Of(data)}",
                ["loss"] = $"{job.Loss}",
                ["optimizer"] = $"{job.Optimizer}",
                ["batch-size"] = $"{job.BatchSize}",
                ["shards"] = $"{schedule.Shards}",
                ["seed"] = $"{job.Seed}",
                ["frozen"] = $"{job.Frozen}",
                ["early-stopping"] = job.EarlyStopping is { } stopping ? $"{stopping} every {job.EvaluateEvery} steps" : "off",
                ["steps"] = job.Optimizer.Schedule.DependsOnTotalSteps || job.EarlyStopping is not null ? $"{schedule.TotalSteps}" : "any",
            };
            // Said only where it is another one: what was saved before there was a choice goes on.
            if (job.IsStrict)
                parts["precision"] = "strict";
            if (job.IsHalfStored)
                parts["storage"] = "bfloat16";
            return new JobIdentity(parts.ToImmutableSortedDictionary(StringComparer.Ordinal));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    /// <summary>Null, or what differs, as in <c>seed is 1 there and 2 here</c>.</summary>
    public string? Difference(JobIdentity here)
    {
        var differences = Parts.Keys.Union(here.Parts.Keys).Order(StringComparer.Ordinal)
            .Select(key => (Key: key, There: Parts.GetValueOrDefault(key, "nothing"), Here: here.Parts.GetValueOrDefault(key, "nothing")))
            .Where(part => part.There != part.Here)
            .Select(part => Excerpts(part.There, part.Here) is var (there, here) ? $"{part.Key} is {there} there and {here} here" : "");
        string all = string.Join(", ", differences);
        return all.Length == 0 ? null : all;
    }

    /// <summary>Of long texts only what follows the first place where they differ.</summary>
    private static (string There, string Here) Excerpts(string there, string here)
    {
        if (Math.Max(there.Length, here.Length) <= ExcerptMax)
            return (there, here);
        int same = there.AsSpan().CommonPrefixLength(here);
        int begin = there.AsSpan(0, same).LastIndexOfAny(',', '{', '[') + 1;
        return (Excerpt(there[begin..]), Excerpt(here[begin..]));
    }

    private static string Excerpt(string text)
    {
        text = text.Trim();
        int end = text.AsSpan().IndexOfAny(",{}]");
        string first = end > 0 ? text[..end].TrimEnd() : text;
        return first.Length <= ExcerptMax ? first : first[..ExcerptMax] + "…";
    }
}
