namespace Singa.Actors.Bench.Nodes;

/// <param name="Singa">The command whose nodes are measured.</param>
/// <param name="Sums">The program of bench/allreduce.</param>
/// <param name="Output">Folder that gets <c>cluster.md</c>.</param>
/// <param name="Logs">Where nodes write what they log, and read their data; kept.</param>
/// <param name="Seconds">How long nodes are killed in each of goodput's rows; null: as the form says.</param>
internal sealed record Options(string Singa, string Sums, string Output, string Logs, bool Quick, IReadOnlyList<string> Sections, int? Seconds = null)
{
    public static readonly string[] Known = ["recovery", "admission", "goodput", "sums", "overlap", "heartbeats"];

    public static Options Parse(string[] args)
    {
        var options = new Options("singa", "", "results", "", false, Known);
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (name == "--quick")
            {
                options = options with { Quick = true };
                continue;
            }

            string value = ++i < args.Length ? args[i] : throw new ArgumentException($"'{name}' needs a value");
            options = name switch
            {
                "--singa" => options with { Singa = value },
                "--sums" => options with { Sums = value },
                "--output" => options with { Output = value },
                "--logs" => options with { Logs = Path.GetFullPath(value) },
                "--seconds" => options with { Seconds = int.TryParse(value, out int seconds) && seconds > 0 ? seconds : throw new ArgumentException($"--seconds {value} is no number of seconds") },
                "--section" => options with { Sections = Names(value) },
                _ => throw new ArgumentException($"unknown option '{name}'"),
            };
        }

        return options.Logs.Length > 0 ? options : options with { Logs = Directory.CreateTempSubdirectory("singa-bench-").FullName };
    }

    /// <summary>One number for the quick form, one for the full one.</summary>
    public int Of(int quick, int full) => Quick ? quick : full;

    private static string[] Names(string list)
    {
        string[] names = list.Split(',');
        return names.FirstOrDefault(n => !Known.Contains(n)) is { } unknown
            ? throw new ArgumentException($"unknown section '{unknown}'; there are {string.Join(' ', Known)}")
            : names;
    }
}
