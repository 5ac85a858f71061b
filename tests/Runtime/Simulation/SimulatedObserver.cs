using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>Whoever submitted the job: it takes down each step once, in order, whichever conductor tells.</summary>
internal sealed class SimulatedObserver(SimulatedNetwork network)
{
    public static readonly NodeKey Key = new("observer", 0);

    /// <summary>The first step that it has not taken down.</summary>
    public long Next { get; private set; }

    public TimeSpan LastAt { get; private set; }

    public bool IsDone => Next == network.Truth.Steps;

    public void On(NodeKey from, Message message)
    {
        if (message is not Message.Commit commit)
            throw new ViolationException($"{from} tells the observer {message}");
        if (commit.Value != network.Truth.Value(commit.Step + 1))
            throw new ViolationException($"{from} commits step {commit.Step} with a wrong result");
        if (commit.Step == Next)
            (Next, LastAt) = (Next + 1, network.Now);
        network.Send(Key, from, new Message.TakenDown(Next));
    }
}
