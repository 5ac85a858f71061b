namespace Singa.Actors.Graph.Plans;

/// <summary>Which part of a step an operation belongs to.</summary>
public enum Phase
{
    Forward,
    Backward,
    Update,
    Exchange,

    /// <summary>Between host and device.</summary>
    Copy,

    Evaluation,

    /// <summary>First values, answers.</summary>
    Other,
}
