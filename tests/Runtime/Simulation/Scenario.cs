namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>What one seed means: how large, how long, and how much goes wrong. All of it follows from the seed.</summary>
internal sealed record Scenario(
    int Seed, int Nodes, int Shards, long Steps, double Drop, double Duplicate, double Late, double DataLoss, TimeSpan FaultTime, int Faults,
    bool HasHostLoss)
{
    /// <summary>Nothing goes wrong but what a test does.</summary>
    public static Scenario Quiet(int nodes, int shards, long steps) => new(1, nodes, shards, steps, 0, 0, 0, 0, TimeSpan.Zero, 0, HasHostLoss: false);

    public static Scenario Of(int seed)
    {
        var random = new Random(seed);
        int nodes = random.Next(40) switch
        {
            0 => 300,
            1 or 2 => random.Next(21, 80),
            < 12 => random.Next(2, 5),
            _ => random.Next(3, 21),
        };
        bool isLarge = nodes > 20;
        var faultTime = TimeSpan.FromSeconds(isLarge ? random.Next(2, 7) : random.Next(3, 16));
        return new Scenario(
            seed, nodes, Math.Max(1, random.Next(nodes / 2, 3 * nodes)), (long)(faultTime.TotalSeconds * random.Next(5, 25)),
            Drop: Pick(0, 0.01, 0.05, 0.15), Duplicate: Pick(0, 0.02, 0.2), Late: Pick(0, 0.02, 0.1),
            DataLoss: isLarge ? 0 : Pick(0, 0, 0, 0.0005),
            FaultTime: faultTime, Faults: random.Next(0, isLarge ? 12 : 25), HasHostLoss: random.Next(6) == 0);

        double Pick(params double[] of) => of[random.Next(of.Length)];
    }

    public override string ToString() => FormattableString.Invariant(
        $"seed {Seed}: {Nodes} nodes, {Shards} shards, {Steps} steps, drop {Drop}, duplicate {Duplicate}, late {Late}, data loss {DataLoss}, {Faults} faults in {FaultTime.TotalSeconds} s{(HasHostLoss ? ", hosts lost" : "")}");
}
