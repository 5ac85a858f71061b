using Singa.Actors.Bench.AllReduce;

// Sums of float32 vectors over processes of this machine: our data plane, plain and with TLS, and OpenMPI's TCP where it is installed, in
// alternating rounds of one run. Bytes of the vector / median time.
if (args is ["member", var rank, var count, var secret, var memberSizes])
{
    Sizes.Take(memberSizes);
    Member.Run(int.Parse(rank), int.Parse(count), secret.Length == 0 ? null : secret);
    return;
}

// With --bytes only these, and only two processes of ours without TLS.
int rounds = args is ["--rounds", var n, ..] ? int.Parse(n) : 2;
string? bytes = args is [.., "--bytes", var list] ? list : null;
if (bytes is not null)
    Sizes.Take(bytes);
using var mpi = Mpi.Compile();
Console.WriteLine($"{Environment.ProcessorCount} cores; GB/s of the vector, median of each round's repetitions, best of {rounds} alternating rounds");
if (mpi.Missing is { } missing)
    Console.WriteLine($"OpenMPI is left out: {missing}");
foreach (int processes in bytes is null ? new[] { 2, 4 } : [2])
{
    Dictionary<string, Dictionary<long, double>> best = [];
    for (int round = 0; round < rounds; round++)
    {
        Keep("ours", Members.Run(processes, ""));
        if (bytes is not null)
            continue;
        if (mpi.Missing is null)
            Keep("OpenMPI", mpi.Run(processes));
        Keep("ours, TLS", Members.Run(processes, "a secret for this bench"));
    }

    Console.WriteLine();
    Console.WriteLine($"n = {processes}".PadRight(12) + string.Concat(Sizes.All.Select(s => Sizes.Name(s.Bytes).PadLeft(10))));
    foreach (var (name, figures) in best)
        Console.WriteLine(name.PadRight(12) + string.Concat(Sizes.All.Select(s => FormattableString.Invariant($"{s.Bytes / figures[s.Bytes] / 1e9,10:0.00}"))));
    if (best.TryGetValue("OpenMPI", out var theirs))
        Console.WriteLine("ratio".PadRight(12) + string.Concat(Sizes.All.Select(s => FormattableString.Invariant($"{theirs[s.Bytes] / best["ours"][s.Bytes],10:0.00}"))));

    void Keep(string name, Dictionary<long, double> seconds)
    {
        if (!best.TryGetValue(name, out var kept))
            best.Add(name, kept = []);
        foreach (var (bytes, time) in seconds)
            kept[bytes] = kept.TryGetValue(bytes, out double before) ? Math.Min(before, time) : time;
    }
}
