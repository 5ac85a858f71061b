using Singa.Actors.Runtime.Checkpoints;

namespace Singa.Actors.Runtime;

/// <summary>What a host wants to see of a job; none of it changes what is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Every so many steps the progress carries the digest of the parameters as they are exactly after that step; 0: never. Training waits meanwhile.</summary>
    public long DigestEvery { get; init; }

    /// <summary>The last step of each epoch carries figures on the test samples; without it only the last step of all does.</summary>
    public bool EvaluateEachEpoch { get; init; }

    /// <summary>Each progress names the samples of every shard that was committed, and by whom.</summary>
    public bool KeepLedger { get; init; }

    /// <summary>Where the job is saved while it trains, and goes on from; null: nowhere.</summary>
    public CheckpointOptions? Checkpoint { get; init; }

    /// <summary>For tests: the job itself is trained, not what was written and read back.</summary>
    internal bool Directly { get; init; }

    /// <summary>With fewer devices the job waits.</summary>
    public int MinDevices { get; init; } = 1;

    /// <summary>How many devices the job takes at most; 0: all that there are.</summary>
    public int MaxDevices { get; init; }

    /// <summary>Jobs of a higher one take their devices first; those below rest between two steps meanwhile, and lose nothing.</summary>
    public int Priority { get; init; }

    /// <summary>
    /// Steps whose progress the host has kept from an earlier run of the job, for records without holes: a checkpoint that is ahead of
    /// them is passed over for the one before it, where that is not. Null: it keeps none.
    /// </summary>
    public long? RecordedSteps { get; init; }
}
