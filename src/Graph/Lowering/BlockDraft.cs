using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>A block whose place is not decided yet.</summary>
internal sealed record BlockDraft(int Id, string Name, BlockKind Kind, long Bytes);
