using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>The rounds of one generation of one job, as this process takes part in them.</summary>
internal interface IRounds
{
    RoundGroup Group { get; }

    /// <inheritdoc cref="ITransport.LastCompleted"/>
    long? LastCompleted { get; }

    void Prepare(long step);

    void Begin(long step, int rank, int bucket, in Contribution contribution);

    void Watch(StepDeadline deadline);

    /// <summary>Fails what is open and all that comes.</summary>
    void Break(string reason);
}
