using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Workers;

/// <summary>All that a job is at a step boundary: whoever holds it can go on with the job.</summary>
/// <param name="Step">The step that comes next, which is how many have been taken.</param>
/// <param name="Stopping">Where the job stops early.</param>
/// <param name="Best">Parameters and statistics of the best test, where early stopping restores them.</param>
public sealed record JobState(long Step, Replica Replica, StoppingState? Stopping = null, Replica? Best = null)
{
    /// <summary>What comes out if training ends here.</summary>
    public Replica Trained => Best ?? Replica;
}
