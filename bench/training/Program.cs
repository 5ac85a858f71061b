using System.Globalization;
using Singa.Actors.Bench.Training;
using Singa.Actors.Devices.Cpu;

// Two roles. As one side of a comparison: measures workloads and prints a line of JSON each, as the peer does (--breakdown NAME: each
// operation of one network). As the referee (--compare): runs both sides in alternating rounds, prints their ratios and writes a page of results.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
try
{
    if (args is ["--compare", ..])
        return Referee.Run(RefereeOptions.Parse(args[1..]));
    if (args is ["--breakdown", var workload, .. var rest])
    {
        var asked = Options.Parse(rest);
        using var backend = new CpuBackend(0, new CpuOptions { Threads = asked.Threads });
        Breakdown.Run(backend, workload, asked.Shards, asked.Seconds);
        return 0;
    }

    var options = Options.Parse(args);
    foreach (string each in options.Workloads)
        Measured.Run(options, each);
    return 0;
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}
