namespace Singa.Actors.Bench.Training;

/// <summary>What one side is asked to measure; the peer takes the same words.</summary>
internal sealed record Options(int Threads, double Seconds, int MinSteps, int Shards, IReadOnlyList<string> Workloads)
{
    public static readonly string[] Networks = ["mlp", "lenet", "resnet18", "lstm", "gpt"];

    /// <summary>Behind a network's name: without Winograd; the peer knows no such thing.</summary>
    public const string Strict = "-strict";

    public static readonly string[] Operations = ["gemm", "gemm-shapes", "pointwise", "rows", "adam"];

    public static readonly string[] Known = [.. Networks, "resnet18-strict", "infer1", "infer32", .. Operations];

    public static string Usage =>
        "usage: [--threads N] [--seconds S] [--min-steps N] [--shards N] [--workload NAME[,NAME...]]\n"
        + "   or: --breakdown NETWORK [--threads N] [--seconds S] [--shards N]\n"
        + "   or: --compare --peer COMMAND --peer-at-its-best COMMAND --output FOLDER [--quick] [--workload NAME[,NAME...]]\n"
        + "workloads: " + string.Join(' ', Known);

    public static Options Parse(string[] args)
    {
        var options = new Options(1, 8, 10, 1, Known);
        foreach (var (name, value) in Words(args, flags: []))
        {
            options = name switch
            {
                "--threads" => options with { Threads = int.Parse(value) },
                "--seconds" => options with { Seconds = double.Parse(value) },
                "--min-steps" => options with { MinSteps = int.Parse(value) },
                "--shards" => options with { Shards = int.Parse(value) },
                "--workload" => options with { Workloads = Names(value) },
                _ => throw new ArgumentException($"unknown option '{name}'"),
            };
        }

        return options;
    }

    public static string[] Names(string list)
    {
        var names = list.Split(',');
        return names.FirstOrDefault(n => !Known.Contains(n)) is { } unknown ? throw new ArgumentException($"unknown workload '{unknown}'") : names;
    }

    public static IEnumerable<(string Name, string Value)> Words(string[] args, string[] flags)
    {
        for (int i = 0; i < args.Length; i++)
        {
            if (flags.Contains(args[i]))
                yield return (args[i], "");
            else if (i + 1 < args.Length)
                yield return (args[i], args[++i]);
            else
                throw new ArgumentException($"'{args[i]}' needs a value");
        }
    }
}
