using Singa.Actors.Bench.Nodes;

// What a cluster of processes on this machine's loopback does when some of them die, come, or are busy. Each section stands for itself: what
// cannot be measured is a line that says why.
Options options;
try
{
    options = Options.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine($"bench/cluster: {e.Message}");
    return 2;
}

Directory.CreateDirectory(options.Output);
Directory.CreateDirectory(options.Logs);
using var page = new Page(Path.Combine(options.Output, "cluster.md"));
page.Line("# A cluster on one machine");
page.Line();
page.Line($"{Processor.Name}, {Environment.ProcessorCount} cores; {(options.Quick ? "the quick form: few repetitions, short runs" : "the full form")}; nodes without a secret on loopback. Written by `bench/cluster{(options.Quick ? " --quick" : "")}`.");
foreach (string section in options.Sections)
{
    double begin = Clock.Now;
    try
    {
        Action<Options, Page> run = section switch
        {
            "recovery" => Recovery.Run,
            "admission" => AdmissionOfNewcomers.Run,
            "goodput" => Goodput.Run,
            "sums" => Sums.Run,
            "overlap" => Overlap.Run,
            _ => Heartbeats.Run,
        };
        run(options, page);
    }
    catch (Exception e)
    {
        // One section's end is no reason to lose the others; the trace is for whoever looks after it.
        Console.Error.WriteLine(e);
        page.Line();
        page.Line($"{section} could not be measured to the end: {e.GetBaseException().Message}");
        page.Fault($"{section}: {e.GetBaseException().Message}");
    }

    Console.Error.WriteLine($"bench/cluster: {section} took {Clock.Now - begin:0} s");
    page.Save();
}

page.Faults();
Console.Error.WriteLine($"bench/cluster: what the nodes logged is in {options.Logs}");
return 0;
