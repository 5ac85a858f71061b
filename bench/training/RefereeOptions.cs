namespace Singa.Actors.Bench.Training;

/// <summary>How both sides are run against each other. Commands are programs that take <see cref="Options"/>' words.</summary>
internal sealed record RefereeOptions(string Peer, string PeerAtItsBest, string Output, bool Quick, IReadOnlyList<string> Workloads)
{
    /// <summary>Rounds in which every side has its turn.</summary>
    public int Rounds => Quick ? 2 : 5;

    /// <summary>The quick form has single operations once: each is a median of many repetitions by itself.</summary>
    public int RoundsOf(string workload) => Quick && Options.Operations.Contains(workload) ? 1 : Rounds;

    /// <summary>What building both sides has taken already.</summary>
    public TimeSpan Spent { get; init; }

    /// <summary>The quick form leaves out second rounds that would take longer than this, building included: on slow machines a step of some networks takes seconds.</summary>
    public TimeSpan Most => Quick ? TimeSpan.FromMinutes(9) : TimeSpan.MaxValue;

    /// <summary>Of a network, however long a step takes.</summary>
    public int MinSteps => Quick ? 3 : 5;

    public double Seconds => Quick ? 1 : 5;

    public static RefereeOptions Parse(string[] args)
    {
        var options = new RefereeOptions("", "", "", false, Options.Known);
        foreach (var (name, value) in Options.Words(args, flags: ["--quick"]))
        {
            options = name switch
            {
                "--peer" => options with { Peer = value },
                "--peer-at-its-best" => options with { PeerAtItsBest = value },
                "--output" => options with { Output = value },
                "--spent" => options with { Spent = TimeSpan.FromSeconds(int.Parse(value)) },
                "--quick" => options with { Quick = true },
                "--workload" => options with { Workloads = Options.Names(value) },
                _ => throw new ArgumentException($"unknown option '{name}'"),
            };
        }

        return options.Peer.Length == 0 || options.PeerAtItsBest.Length == 0 || options.Output.Length == 0
            ? throw new ArgumentException("--peer, --peer-at-its-best and --output are needed") : options;
    }
}
