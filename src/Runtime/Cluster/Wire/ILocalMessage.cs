namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>A message that never leaves its process, because what it holds cannot. All others of the protocols have a manifest in <see cref="MessageTable"/>.</summary>
public interface ILocalMessage;
