using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>Sees everything at once, as nobody in the simulation can, and says when something happens that must never.</summary>
internal sealed class Watch(SimulatedNetwork network)
{
    private readonly List<(Roll Roll, Roll Base)> begun = [];
    private readonly HashSet<(NodeKey, long)> brought = [];

    public int Generations => begun.Count;

    /// <summary>Generations that began while one of another line could still take steps.</summary>
    public int Forks { get; private set; }

    /// <summary>Steps that a process computed more than once.</summary>
    public int Redone { get; private set; }

    public void Brings(NodeKey node, long step) => Redone += brought.Add((node, step)) ? 0 : 1;

    public Roll? Last => begun.Count == 0 ? null : begun.MaxBy(b => b.Roll.Ballot).Roll;

    /// <summary>
    /// A generation begins: no other that came from the same one may be able to take steps; and whoever agreed to it and had accepted another before,
    /// which had begun, has said so.
    /// </summary>
    public void Begun(Begin begin)
    {
        var roll = begin.Roll;
        foreach (var (other, otherBase) in begun)
        {
            if (other.Ballot == roll.Ballot)
                throw new ViolationException($"{roll.Generation} begins twice");
            if (other.Ballot > begin.Base.Ballot && other.Ballot < roll.Ballot && begin.Doubtful.All(d => d.Ballot != other.Ballot)
                && other.Acceptors.Where(roll.IsAcceptor).Cast<NodeKey?>().FirstOrDefault() is { } witness)
                throw new ViolationException($"{roll.Generation} of {roll.Conductor} begins after {begin.Base.Generation}, though {witness} was in {other.Generation} of {other.Conductor}");
            if (!CanRun(other) || !CanRun(roll))
                continue;
            if (otherBase.Ballot == begin.Base.Ballot)
                throw new ViolationException($"{roll.Generation} of {roll.Conductor} begins while {other.Generation} of {other.Conductor} runs, and both come from {otherBase.Generation}");
            Forks++;
        }

        begun.Add((roll, begin.Base));
    }

    /// <summary>How many generations could take steps at this moment.</summary>
    public int Running => begun.Count(b => CanRun(b.Roll));

    /// <summary>Nobody in it is dead or has promised to go on with no older one.</summary>
    private bool CanRun(Roll roll) => roll.Members.All(n => network[n] is { IsAlive: true, Seat: { } seat } && seat.Promised == roll.Ballot);
}
