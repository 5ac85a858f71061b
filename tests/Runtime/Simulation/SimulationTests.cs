using Xunit.Abstractions;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>
/// Rounds, generations and admission of whole jobs over simulated processes and links. <c>SINGA_SEED=n</c> replays one seed; <c>SINGA_LONG=1</c>
/// runs 10,000 (or <c>SINGA_SEEDS</c>), from <c>SINGA_SEED_FROM</c> on.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Nobody_disagrees_about_a_step_and_nobody_waits_for_ever()
    {
        bool isLong = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";
        int from = Number("SINGA_SEED") ?? Number("SINGA_SEED_FROM") ?? 1, seeds = Number("SINGA_SEED") is not null ? 1 : Number("SINGA_SEEDS") ?? (isLong ? 10_000 : 200);
        var failures = new List<string>();
        long events = 0, generations = 0, forks = 0;
        var ends = new Dictionary<JobEnd, int>();
        for (int seed = from; seed < from + seeds && failures.Count < 10; seed++)
        {
            var scenario = Scenario.Of(seed);
            try
            {
                using var trace = TraceOf(seed);
                var (network, end) = SimulatedJob.Run(scenario, trace is null ? null : trace.WriteLine);
                events += network.Events;
                generations += network.Watch.Generations;
                forks += network.Watch.Forks;
                ends[end] = ends.GetValueOrDefault(end) + 1;
            }
            catch (ViolationException violation)
            {
                failures.Add($"{scenario}\n{violation.Message}");
                output.WriteLine(failures[^1]);
            }
        }

        output.WriteLine($"{seeds} seeds from {from}: {string.Join(", ", ends.OrderBy(e => e.Key).Select(e => $"{e.Value} {e.Key}"))}, {generations} generations, {forks} forks, {events} events");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    /// <summary>A replayed seed can be followed message by message: <c>SINGA_TRACE</c> names the file.</summary>
    private static StreamWriter? TraceOf(int seed) =>
        Number("SINGA_SEED") == seed && Environment.GetEnvironmentVariable("SINGA_TRACE") is { Length: > 0 } path ? new StreamWriter(path) : null;

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : null;
}
