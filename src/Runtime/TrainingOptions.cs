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
}
