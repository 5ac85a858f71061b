using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>To every node of a job: the generation that is to begin has this ballot; promise it.</summary>
/// <param name="Candidate">Who asks.</param>
/// <param name="Known">The latest generation that the candidate has accepted. Whoever lives in a later one refuses.</param>
public sealed record Hold(Ballot Ballot, NodeKey Candidate, Ballot Known);

/// <summary>The answer of a node that goes on with no older generation. Its workers rest at a step boundary.</summary>
/// <param name="Present">The last generation that has begun, as far as the node knows.</param>
/// <param name="Pending">Later ones that it accepted and that may have begun without its knowing.</param>
/// <param name="Next">The step that comes next, with the replica before it; null: it has no replica.</param>
/// <param name="Leaves">It votes, and is not to be part of the next generation.</param>
public sealed record Promise(Ballot Ballot, Roll Present, ImmutableArray<Roll> Pending, long? Next, bool Leaves = false);

/// <summary>The answer of a node that has promised a higher ballot, or lives in a later generation than the candidate knows of.</summary>
/// <param name="Ballot">What was asked for.</param>
/// <param name="Present">The last generation that has begun, as far as the node knows.</param>
public sealed record Refusal(Ballot Ballot, Ballot Promised, Roll Present);

/// <summary>To all who agreed or are to take part: be ready for a generation.</summary>
/// <param name="Base">The last generation before it that is known to have begun.</param>
/// <param name="Doubtful">Later ones that may have, too.</param>
public sealed record Begin(Roll Roll, Roll Base, ImmutableArray<Roll> Doubtful);
