using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>What one seed means: how large, how long, and how much goes wrong. All of it follows from the seed.</summary>
/// <param name="Late">How many control messages are late, by up to <c>Lateness</c>.</param>
internal sealed record Scenario(
    int Seed, int Nodes, int Shards, long Steps, double Drop, double Duplicate, double Late, TimeSpan Lateness, double DataLoss, TimeSpan FaultTime,
    int Faults, bool HasHostLoss, RegroupingTimes Times)
{
    /// <summary>Nothing goes wrong but what a test does.</summary>
    public static Scenario Quiet(int nodes, int shards, long steps) => new(
        1, nodes, shards, steps, 0, 0, 0, TimeSpan.Zero, 0, TimeSpan.Zero, 0, HasHostLoss: false, RegroupingTimes.Default);

    public static Scenario Of(int seed)
    {
        var random = new Random(seed);
        int nodes = random.Next(50) switch
        {
            0 => 300,
            1 or 2 => random.Next(21, 80),
            < 30 => random.Next(2, 6),
            _ => random.Next(5, 21),
        };
        bool isLarge = nodes > 20;
        var faultTime = TimeSpan.FromSeconds(isLarge ? random.Next(2, 7) : random.Next(3, 16));
        return new Scenario(
            seed, nodes, Math.Max(1, random.Next(nodes / 2, 3 * nodes)), (long)(faultTime.TotalSeconds * random.Next(5, 25)),
            Drop: Pick(0, 0.01, 0.05, 0.15, 0.3), Duplicate: Pick(0, 0.02, 0.2), Late: Pick(0, 0.02, 0.1, 0.5),
            Lateness: TimeSpan.FromMilliseconds(Pick(100, 700, 2500)), DataLoss: isLarge ? 0 : Pick(0, 0, 0, 0.0005),
            FaultTime: faultTime, Faults: random.Next(0, isLarge ? 12 : 25), HasHostLoss: random.Next(6) == 0,
            Times: random.Next(2) == 0 ? RegroupingTimes.Default : Hasty());

        double Pick(params double[] of) => of[random.Next(of.Length)];

        // Everybody loses patience early, so that several ask at once.
        RegroupingTimes Hasty() => RegroupingTimes.Default with
        {
            Repeat = TimeSpan.FromMilliseconds(50),
            SilenceGrace = TimeSpan.FromMilliseconds(random.Next(110, 500)),
            HoldGrace = TimeSpan.FromMilliseconds(random.Next(110, 300)),
            Stagger = TimeSpan.FromMilliseconds(random.Next(0, 30)),
            ConductorPatience = TimeSpan.FromMilliseconds(random.Next(500, 5000)),
            RestPatience = TimeSpan.FromSeconds(2),
            ReadyPatience = TimeSpan.FromSeconds(3),
        };
    }

    public override string ToString() => FormattableString.Invariant(
        $"seed {Seed}: {Nodes} nodes, {Shards} shards, {Steps} steps, drop {Drop}, duplicate {Duplicate}, late {Late} by {Lateness.TotalSeconds} s, ")
        + FormattableString.Invariant($"data loss {DataLoss}, {Faults} faults in {FaultTime.TotalSeconds} s{(HasHostLoss ? ", hosts lost" : "")}, hold grace {Times.HoldGrace.TotalSeconds} s");
}
