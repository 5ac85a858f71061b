namespace Singa.Actors.Devices.Queue;

/// <summary>A job's standing in the queue: who last wrote each block, who still reads it, which submissions are open.</summary>
public sealed class JobLane
{
    internal JobLane(JobId job, PlanHazards hazards, object? context)
    {
        Job = job;
        Hazards = hazards;
        Context = context;
        Writers = new QueuedOperation?[hazards.SharedArena + 1];
        Readers = new int[Writers.Length];
        Forget();
    }

    public JobId Job { get; }

    /// <summary>Whatever the executor needs to run the job's operations.</summary>
    public object? Context { get; }

    internal PlanHazards Hazards { get; }

    /// <summary>By resource: the operation that writes it last of those not done.</summary>
    internal QueuedOperation?[] Writers { get; }

    /// <summary>By resource: the first entry of those who read what the last writer leaves; −1 for none.</summary>
    internal int[] Readers { get; }

    /// <summary>Operations not yet done.</summary>
    internal int Alive { get; set; }

    /// <summary>Why nothing may be admitted; null while all is well.</summary>
    internal string? Fault { get; set; }

    /// <summary>Nothing may be admitted because an exchange failed, and not for anything of this device.</summary>
    public bool IsFailedByPeers { get; internal set; }

    internal List<Action>? WhenQuiet { get; set; }

    /// <summary>Of submissions that failed or were cancelled: how far each has run. Until something is admitted again.</summary>
    internal List<FirstSections> Halted { get; } = [];

    /// <summary>Why an operation of the job could not be done on this device. Until something is admitted again.</summary>
    public string? Failure { get; internal set; }

    /// <summary>How many of the first sections of a submission that failed or was cancelled have run, each to its end.</summary>
    public int SectionsRun(long tag)
    {
        foreach (var halted in Halted)
        {
            if (halted.Tag == tag)
                return halted.Sections;
        }

        return 0;
    }

    // Open submissions in the order of admission.
    internal Submission? First { get; set; }

    internal Submission? Last { get; set; }

    /// <summary>Everything is done: whoever is still named in the tables was dropped.</summary>
    internal void Forget()
    {
        Array.Clear(Writers);
        Array.Fill(Readers, -1);
    }

    internal int Submissions
    {
        get
        {
            int open = 0;
            for (var each = First; each is not null; each = each.Next)
                open++;
            return open;
        }
    }

    internal void Append(Submission submission)
    {
        if (Last is null)
            First = submission;
        else
            Last.Next = submission;
        Last = submission;
    }

    internal void Remove(Submission submission)
    {
        Submission? previous = null;
        for (var each = First; each is not null; previous = each, each = each.Next)
        {
            if (each != submission)
                continue;
            if (previous is null)
                First = each.Next;
            else
                previous.Next = each.Next;
            if (Last == each)
                Last = previous;
            return;
        }
    }
}
