using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Peers;

/// <summary>The few programs of a generation: full batches, the short last one.</summary>
internal sealed class SumPrograms(int shards)
{
    private const int Most = 8;

    private readonly List<SumProgram> programs = [];

    public SumProgram Of(ReadOnlySpan<ShardRange> rows)
    {
        foreach (var program in programs)
        {
            if (program.IsOf(rows))
                return program;
        }

        var made = new SumProgram(shards, rows);
        if (programs.Count == Most)
            programs.RemoveAt(0);
        programs.Add(made);
        return made;
    }
}
